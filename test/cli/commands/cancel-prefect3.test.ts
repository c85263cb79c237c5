// kubectl prefect cancel for Prefect 2 and 3, through their REST API.

import { describe, expect, it } from "vitest";
import { objectIn } from "../../../src/base/json.ts";
import { fakePrefect3 } from "../../support/prefect3.ts";
import { NAMESPACE, startTestCluster } from "./cleanup/cluster.ts";

const RUN = "0c0c0c0c-3333-4333-8333-cccccccccccc";

async function cancelled(
  first: string,
  { answer = "ACCEPT", hasJob = true }: { answer?: "ACCEPT" | "REJECT"; hasJob?: boolean } = {},
) {
  const testCluster = await startTestCluster();
  const { fake, url } = await fakePrefect3({ setState: answer });
  fake.put({ id: RUN, name: "wise-owl", state: { type: first, name: first } });
  const asked = (): readonly unknown[] =>
    fake.calls.flatMap(({ path, body }) =>
      path.endsWith("/set_state") ? [[path, objectIn(body["state"])["type"], body["force"]]] : [],
    );
  const labels = { "prefect.io/flow-run-id": RUN, "prefect.io/flow-run-name": "wise-owl" };
  if (hasJob) testCluster.job("owl", "", { metadata: { labels }, status: { active: 1 } });
  const env = { PREFECT_API_URL: url };
  const result = await testCluster.run(["cancel", "wise-owl", "--now"], { env, alone: true });
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

  it("sets a run without a process to Cancelled at once", async () => {
    const { exitCode, asked } = await cancelled("SCHEDULED");
    expect([exitCode, asked]).toEqual([0, [[`/flow_runs/${RUN}/set_state`, "CANCELLED", false]]]);
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

  it("keeps the state of a finished run and deletes its objects", async () => {
    const { exitCode, asked, left } = await cancelled("COMPLETED");
    expect([exitCode, asked, left]).toEqual([0, [], 0]);
  });

  it("deletes nothing when Prefect rejects the state", async () => {
    const { exitCode, left, stderr } = await cancelled("RUNNING", { answer: "REJECT" });
    expect([exitCode, left]).toEqual([1, 1]);
    expect(stderr).toContain(`error: cannot cancel flow run "${RUN}": the API answered REJECT`);
  });
});
