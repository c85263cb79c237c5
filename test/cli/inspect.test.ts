// kubectl prefect inspect: which run is meant, and what is told of it.

import { describe, expect, it, onTestFinished } from "vitest";
import { startPrefectStandin } from "../../src/standin/prefect/prefect-standin.ts";
import { DAYS_AGO, ended, POD, putJob, readingWorld, runId } from "../inventory/reading-world.ts";
import type { World } from "../inventory/reading-world.ts";

async function world(): Promise<World> {
  const found = await readingWorld({ controller: false, namespaces: ["other"] });
  putJob(found, "job-failed", { run: runId(2), pod: POD.failed, status: ended("Failed") });
  putJob(found, "job-pull", { run: runId(3), pod: POD.pulling });
  const labels = { "prefect.io/flow-run-id": runId(4), "prefect.io/flow-run-name": "amber-fox" };
  putJob(found, "third", { run: runId(4), labels, pod: POD.running, namespace: "other" });
  return found;
}

function putEvent({ standin }: World, about: { resource: string; name: string }, message: string): void {
  const object = standin.get(about.resource, "default", about.name);
  standin.put("events", {
    metadata: { name: `${about.name}.1`, namespace: "default" },
    involvedObject: { kind: "Pod", name: about.name, uid: object?.metadata.uid },
    type: "Warning",
    reason: "Failed",
    message,
    count: 7,
    lastTimestamp: DAYS_AGO,
  });
}

describe("kubectl prefect inspect", () => {
  it("tells a failed run from the run down to its container, with events, post-mortem and what follows", async () => {
    const given = await world();
    putEvent(given, { resource: "pods", name: "job-failed-pod" }, "Error: it broke");
    const { stdout, exitCode } = await given.cli(["inspect", "22222222"]);
    expect(stdout).toBe(`flow run ${runId(2)} (Prefect 1)
|- state <unknown>
\`- job/job-failed failed, 3d old
   \`- pod/job-failed-pod Error, on node-1, 3d old
      |- container flow (flows:1) exited with code 3
      \`- event Failed (7 times) 3d ago: Error: it broke

VERDICT failed: container 'flow' exited with code 3

Job job-failed: container 'flow' exited with code 3
    Hint: the last lines of its log tell more
Pod job-failed-pod (Failed, node node-1)
    Container 'flow' exited with code 3

AN AGENT WOULD
  ask Prefect for the run's state first
  delete Job job-failed: container 'flow' exited with code 3
`);
    expect(exitCode).toBe(0);
  });

  it.each([
    { how: "whole id", argv: [runId(3)], says: "job/job-pull stuck" },
    { how: "Job", argv: ["job/job-pull"], says: "job/job-pull stuck" },
    { how: "prefix without hyphens", argv: ["333333333333"], says: "job/job-pull stuck" },
    { how: "label's name in another namespace", argv: ["amber-fox", "-A"], says: "job/third live" },
    { how: "namespace", argv: ["44444444", "-n", "other"], says: "(Prefect 2 or 3)" },
  ])("finds a run by its $how", async ({ argv, says }) => {
    const { cli } = await world();
    const { stdout, exitCode } = await cli(["inspect", ...argv]);
    expect(stdout).toContain(says);
    expect(exitCode).toBe(0);
  });

  it.each([
    { argv: ["nobody"], says: 'cannot find flow run "nobody": it has no Job in namespace "default"' },
    { argv: ["job/nothing"], says: 'cannot find Job "nothing"' },
    { argv: ["1234567"], says: 'cannot find flow run "1234567"' },
    { argv: [runId(4)], says: `cannot find flow run "${runId(4)}"` },
  ])("does not find $argv, and says what to do", async ({ argv, says }) => {
    const { cli } = await world();
    const { stdout, stderr, exitCode } = await cli(["inspect", ...argv]);
    expect(stderr).toContain(`error: ${says}`);
    expect(stderr).toContain("hint: ");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  });

  it("lists the candidates when a prefix means several, and does not choose", async () => {
    const given = await world();
    const others = ["22222222-2222-4222-8222-22222222aaaa", "22222222-2222-4222-8222-22222222bbbb"];
    for (const run of others) putJob(given, `job-${run.slice(-4)}`, { run });
    const { stdout, stderr, exitCode } = await given.cli(["inspect", "22222222"]);
    for (const id of [runId(2), ...others]) expect(stderr).toContain(id);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });

  it("shows a run by its name in Prefect, with its state, and one without a Job as such", async () => {
    const given = await world();
    const prefect = await startPrefectStandin();
    onTestFinished(() => prefect.stop());
    const flow = prefect.createFlow({ name: "f" });
    const [here, nowhere] = ["quick-fox", "slow-hare"].map((name) => prefect.createFlowRun({ flow, name }));
    prefect.setState(here!.id, { type: "Failed", message: "it broke" });
    putJob(given, "mine", { run: here!.id, pod: POD.running });
    const asking = ["--api", prefect.url, "-b", "server"];
    const found = await given.cli(["inspect", "quick-fox", ...asking]);
    expect(found.stdout).toContain(`flow run quick-fox ${here!.id} (Prefect 1)\n|- state Failed: it broke\n`);
    expect(found.stdout).toContain("job/mine live");
    const without = await given.cli(["inspect", "slow-hare", ...asking]);
    expect(without.stdout).toContain(`flow run slow-hare ${nowhere!.id} (Prefect 1)\n|- state Scheduled`);
    expect(without.stdout).toContain("nothing of it is in the cluster");
    expect(without).toMatchObject({ stderr: "", exitCode: 0 });
  });

  it("prints one object for programs", async () => {
    const { cli } = await world();
    const { stdout } = await cli(["inspect", "22222222", "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: "FlowRun",
      flowRun: { id: runId(2), prefect: 1, state: null },
      jobs: [
        {
          metadata: { name: "job-failed" },
          outlook: "failed",
          pods: [{ status: "Error", containers: [{ name: "flow", state: { terminated: { exitCode: 3 } } }] }],
        },
      ],
      diagnosis: { word: "failed" },
    });
    expect((await cli(["inspect", "22222222", "-o", "yaml"])).stdout).toContain("\nkind: FlowRun\n");
    expect((await cli(["inspect", "22222222", "-o", "wide"])).exitCode).toBe(2);
  });

  it("goes on without events when this user may not list them", async () => {
    const { standin, cli } = await world();
    standin.forbid({ resources: ["events"] });
    const { stdout, stderr, exitCode } = await cli(["inspect", "22222222"]);
    expect(stdout).toContain("container flow (flows:1) exited with code 3");
    expect(stderr).toMatch(/note: cannot list events/);
    expect(exitCode).toBe(0);
  });
});
