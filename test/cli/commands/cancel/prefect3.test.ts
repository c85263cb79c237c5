// kubectl prefect cancel for Prefect 2 and 3, through their REST API.

import { describe, expect, it } from "vitest";
import { objectIn } from "../../../../src/base/json.ts";
import { fakePrefect3 } from "../../../support/prefect3.ts";
import { NAMESPACE, startTestCluster } from "../cleanup/cluster.ts";

const RUN = "0c0c0c0c-3333-4333-8333-cccccccccccc";

async function cancelled(
  first: string,
  {
    answer = "ACCEPT",
    hasJob = true,
    name = first,
    pid,
    argv = ["--now"],
  }: {
    answer?: "ACCEPT" | "REJECT";
    hasJob?: boolean;
    name?: string;
    pid?: string | undefined;
    argv?: readonly string[];
  } = {},
) {
  const testCluster = await startTestCluster();
  const { fake, url } = await fakePrefect3({ setState: answer });
  const ofPid = pid === undefined ? {} : { infrastructure_pid: pid };
  fake.put({ id: RUN, name: "wise-owl", state: { type: first, name }, ...ofPid });
  const asked = (): readonly unknown[] =>
    fake.calls.flatMap(({ path, body }) =>
      path.endsWith("/set_state") ? [[path, objectIn(body["state"])["type"], body["force"]]] : [],
    );
  const labels = { "prefect.io/flow-run-id": RUN, "prefect.io/flow-run-name": "wise-owl" };
  if (hasJob) testCluster.job("owl", "", { metadata: { labels }, status: { active: 1 } });
  const env = { PREFECT_API_URL: url };
  const result = await testCluster.run(["cancel", "wise-owl", ...argv], { env, alone: true });
  return {
    ...result,
    asked: asked(),
    state: fake.flowRun(RUN)?.state.type,
    left: testCluster.kube.list("jobs", NAMESPACE).length,
  };
}

describe("cancel with Prefect 2 and 3", () => {
  it("sets a running run to Cancelling, deletes its Job, and sets it to Cancelled", async () => {
    const { exitCode, asked, state, left, stdout } = await cancelled("RUNNING");
    expect([exitCode, left, state]).toEqual([0, 0, "CANCELLED"]);
    expect(asked).toEqual([
      [`/flow_runs/${RUN}/set_state`, "CANCELLING", false],
      [`/flow_runs/${RUN}/set_state`, "CANCELLED", true],
    ]);
    expect(stdout).toBe('job.batch "owl" deleted from flows namespace\n');
  });

  it.each([
    { type: "SCHEDULED", name: "Late" },
    { type: "SCHEDULED", name: "Resuming", pid: "flows:owl" },
    { type: "PAUSED", name: "Suspended", pid: "flows:owl" },
  ])(
    "takes the server's word that a run without a process is Cancelled: $name",
    async ({ type, name, pid }) => {
      const { exitCode, asked, state, stderr } = await cancelled(type, { name, pid });
      expect([exitCode, state]).toEqual([0, "CANCELLED"]);
      expect(asked).toEqual([[`/flow_runs/${RUN}/set_state`, "CANCELLING", false]]);
      expect(stderr).toContain(`flow run "wise-owl" (${RUN}) is Cancelled\n`);
    },
  );

  it("gives the pod of a run time that waits for its retry", async () => {
    const retry = { name: "AwaitingRetry", pid: "flows:owl", argv: ["--grace", "1ms"] };
    const { exitCode, asked, state } = await cancelled("SCHEDULED", retry);
    expect([exitCode, state, asked.length]).toEqual([0, "CANCELLED", 2]);
  });

  it("leaves a run Cancelling that waits for its retry and has nothing here", async () => {
    const retry = { name: "AwaitingRetry", pid: "flows:owl", hasJob: false };
    const { exitCode, state } = await cancelled("SCHEDULED", retry);
    expect([exitCode, state]).toEqual([1, "CANCELLING"]);
  });

  it("does not cancel a run that is Cancelling already", async () => {
    const { exitCode, asked } = await cancelled("CANCELLING");
    expect([exitCode, asked]).toEqual([0, [[`/flow_runs/${RUN}/set_state`, "CANCELLED", true]]]);
  });

  it.each(["RUNNING", "CANCELLING"])("leaves a %s run Cancelling that has nothing here", async (first) => {
    const { exitCode, state, stderr } = await cancelled(first, { hasJob: false });
    expect([exitCode, state]).toEqual([1, "CANCELLING"]);
    expect(stderr).toContain('has nothing in namespace "flows"; it may run elsewhere: look with -A\n');
  });

  it("cancels a Pending run that has nothing here", async () => {
    const { exitCode, state } = await cancelled("PENDING", { hasJob: false });
    expect([exitCode, state]).toEqual([0, "CANCELLED"]);
  });

  it("cancels a run that is to start again and has nothing here", async () => {
    const { exitCode, state } = await cancelled("SCHEDULED", { pid: "flows:owl", hasJob: false });
    expect([exitCode, state]).toEqual([0, "CANCELLED"]);
  });

  it("cancels a paused run at once where the server refuses Cancelling, as before Prefect 3.8", async () => {
    const { exitCode, state, left, asked } = await cancelled("PAUSED", {
      answer: "REJECT",
      pid: "flows:owl",
    });
    expect([exitCode, state, left]).toEqual([0, "CANCELLED", 0]);
    expect(asked.map((call) => (call as string[])[1])).toEqual(["CANCELLING", "CANCELLED"]);
  });

  it("keeps the state of a finished run and deletes its objects", async () => {
    const { exitCode, asked, left } = await cancelled("COMPLETED");
    expect([exitCode, asked, left]).toEqual([0, [], 0]);
  });

  it("deletes nothing when Prefect rejects the state", async () => {
    const { exitCode, left, stderr } = await cancelled("RUNNING", { answer: "REJECT" });
    expect([exitCode, left]).toEqual([1, 1]);
    expect(stderr).toContain(
      `error: cannot cancel flow run "${RUN}": the API answered REJECT: This run is not to be cancelled.`,
    );
  });
});
