// Flow runs of Prefect 2 and 3 that run in the process of their parent, and have no Job of their own.

import { describe, expect, it } from "vitest";
import { putJob, runId, startTestCluster } from "../inventory/test-cluster.ts";
import { fakePrefect3 } from "../support/prefect3.ts";
import type { CliResult } from "../support/run-cli.ts";

const [PARENT, CHILD] = [runId(1), runId(2)];

/** A parent in this state with its Job, and a subflow of its subflow, which is Running. */
async function subflow(state: string) {
  const cluster = await startTestCluster();
  const { fake, url } = await fakePrefect3();
  fake.put({ id: PARENT, name: "parent", state: { type: state }, deployment_id: "d", work_pool_name: "k8s" });
  fake.putSubflow({ id: runId(3), name: "between", state: { type: "RUNNING" } }, PARENT);
  fake.putSubflow({ id: CHILD, name: "child", state: { type: "RUNNING" } }, runId(3));
  putJob(cluster, "parent-x1y2z", { run: PARENT, labels: { "prefect.io/flow-run-id": PARENT } });
  const run = (...argv: readonly string[]): Promise<CliResult> =>
    cluster.cli([...argv, "-n", "default"], { env: { PREFECT_API_URL: url } });
  return { run, fake };
}

describe("inspect of a subflow", () => {
  it("names the run and the Job in whose process it is", async () => {
    const { run } = await subflow("RUNNING");
    const [status, hint] = (await run("inspect", "child")).stdout.split("\n");
    expect(status).toBe(
      'STATUS active: its flow run is Running in the process of its parent, flow run "parent", in Job parent-x1y2z',
    );
    expect(hint).toBe(`hint: see that one with: kubectl prefect inspect ${PARENT} -n default`);
  });

  it("says that the parent has ended", async () => {
    const { run } = await subflow("CRASHED");
    const [status, hint] = (await run("inspect", "child")).stdout.split("\n");
    expect(status).toContain('but the parent in whose process it ran, flow run "parent", is Crashed');
    expect(hint).toBe(`hint: cancel it with: kubectl prefect cancel ${CHILD} -n default`);
  });

  it("shows a run of a deployment by itself", async () => {
    const { run, fake } = await subflow("RUNNING");
    fake.putSubflow({ id: CHILD, name: "child", state: { type: "RUNNING" }, deployment_id: "d" }, PARENT);
    const { stdout } = await run("inspect", "child");
    expect(stdout.split("\n")[0]).toBe("STATUS active: its flow run is Running, but it has no Job here");
  });
});

describe("logs of a subflow", () => {
  const logs = `it shares the process of flow run "parent": kubectl prefect logs ${PARENT}`;

  it("names the command for its process, beside its own log in Prefect", async () => {
    const { run, fake } = await subflow("RUNNING");
    const { stderr, exitCode } = await run("logs", "child");
    expect(stderr).toContain(`\nhint: ${logs} -n default\n`);
    expect(exitCode).toBe(1);
    const line = { name: "flow", level: 20, message: "hello", timestamp: new Date().toISOString() };
    fake.log({ flow_run_id: CHILD, ...line });
    const known = await run("logs", "child");
    expect(known.stdout).toMatch(/INFO - flow \| hello\n$/);
    expect(known.stderr).toBe(
      `note: the run has no pod here; this is its log in Prefect; ${logs} -n default\n`,
    );
  });

  it("waits for its end with -f", async () => {
    const { run, fake } = await subflow("RUNNING");
    const following = run("logs", "child", "-f");
    await expect.poll(() => fake.calls.some(({ body }) => "task_runs" in body)).toBe(true);
    fake.putSubflow({ id: CHILD, name: "child", state: { type: "COMPLETED" } }, runId(3));
    const { stderr } = await following;
    expect(stderr).toContain(`waiting for the run's end; ${logs} -f -n default\n`);
    expect(stderr).not.toContain("waiting for the run's Job");
  });
});

describe("cancel of a subflow", () => {
  it("changes nothing while its parent runs", async () => {
    const { run, fake } = await subflow("RUNNING");
    const { stderr, exitCode } = await run("cancel", "child");
    expect(stderr).toBe(
      `error: cannot cancel flow run "${CHILD}": it is a subflow in the process of flow run "parent", and cannot be cancelled alone\n` +
        `hint: cancel that one with: kubectl prefect cancel ${PARENT} -n default\nremoved nothing\n`,
    );
    expect([exitCode, fake.flowRun(CHILD)?.state.type]).toEqual([1, "RUNNING"]);
  });

  it("sets it to Cancelled when its parent has ended", async () => {
    const { run, fake } = await subflow("CRASHED");
    const { exitCode } = await run("cancel", "child");
    expect(exitCode).toBe(0);
    expect(fake.flowRun(CHILD)?.state).toMatchObject({
      type: "CANCELLED",
      message: "Cancelled: its parent flow run is Crashed",
    });
  });
});
