// kubectl prefect inspect: which run is meant, and what is told of it.

import { describe, expect, it, onTestFinished } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import { DAYS_AGO, ended, POD, putJob, readingWorld, runId } from "../../inventory/reading-world.ts";
import type { World } from "../../inventory/reading-world.ts";

async function world(): Promise<World> {
  const found = await readingWorld({ controller: false, namespaces: ["other"] });
  putJob(found, "job-failed", { run: runId(2), pod: POD.failed, status: ended("Failed") });
  putJob(found, "job-pull", { run: runId(3), pod: POD.pulling });
  const labels = { "prefect.io/flow-run-id": runId(4), "prefect.io/flow-run-name": "amber-fox" };
  putJob(found, "third", { run: runId(4), labels, pod: POD.running, namespace: "other" });
  return found;
}

function putEvent({ fake }: World, about: { resource: string; name: string }, message: string): void {
  const object = fake.get(about.resource, "default", about.name);
  fake.put("events", {
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

STATUS failed: container 'flow' exited with code 3

Job job-failed
    Hint: the last lines of its log tell more
Pod job-failed-pod (Failed, node node-1)
    Container 'flow' exited with code 3

AN AGENT WOULD
  ask Prefect for the run's state first
  delete Job job-failed

CLEANUP WOULD (--older-than 10m)
  delete job.batch/job-failed: failed 3d ago
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
    const prefect = await startFakePrefect1();
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
    expect(without.stdout).toContain(`nothing of it is in namespace "default"`);
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
          phase: "failed",
          pods: [{ status: "Error", containers: [{ name: "flow", state: { terminated: { exitCode: 3 } } }] }],
        },
      ],
      diagnosis: {
        status: "failed",
        agent: ["ask Prefect for the run's state first", expect.stringContaining("delete Job job-failed")],
        cleanup: [
          { action: "delete", object: "job.batch/job-failed", namespace: "default", reason: "failed 3d ago" },
        ],
      },
    });
    expect((await cli(["inspect", "22222222", "-o", "yaml"])).stdout).toContain("\nkind: FlowRun\n");
    expect((await cli(["inspect", "22222222", "-o", "wide"])).exitCode).toBe(2);
  });

  it("says what cleanup would leave, and why", async () => {
    const { fake, cli } = await world();
    putJob({ fake }, "job-live", { run: runId(5), pod: POD.running });
    const { stdout } = await cli(["inspect", "job/job-live"]);
    expect(stdout).toMatch(
      /\nCLEANUP WOULD \(--older-than 10m\)\n  leave job\.batch\/job-live: not over, the state of its flow run is not known\n$/,
    );
  });

  it("believes that a run was deleted only where Prefect knows others of the namespace, as cleanup does", async () => {
    const given = await readingWorld();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const inspected = async (): Promise<string> =>
      (await given.cli(["inspect", runId(6), "--api", prefect.url, "-b", "server"])).stdout;
    putJob(given, "lost", { run: runId(6), pod: POD.running });
    expect(await inspected()).toContain(
      "leave job.batch/lost: not over, Prefect knows none of the flow runs",
    );
    const { id } = prefect.createFlowRun({ flow: prefect.createFlow({ name: "f" }) });
    putJob(given, "known", { run: id, pod: POD.running });
    const both = await inspected();
    expect(both).toContain("delete job.batch/lost: its flow run no longer exists in Prefect");
    expect(both).toContain("AN AGENT WOULD\n  nothing: no address on its Job says");
  });

  it("says of a Dask cluster what would become of it, and names many workers only once", async () => {
    const given = await world();
    const cluster = `dask-${runId(2)}-03d5b8bb-0`;
    for (const worker of ["a", "b", "c", "d", "e"]) {
      const labels = { "dask.org/cluster-name": cluster, "dask.org/component": "worker", app: "dask" };
      const containers = [{ name: "dask-worker", image: "flows:1" }];
      const metadata = { name: `${cluster}${worker}`, labels, creationTimestamp: DAYS_AGO };
      given.fake.put("pods", { metadata, spec: { restartPolicy: "Never", containers }, status: POD.done });
    }
    const { stdout } = await given.cli(["inspect", "22222222"]);
    expect(stdout).toContain(`delete pod/${cluster}a and 4 more like it: Completed 3d ago\n`);
  });

  it("cannot tell what it may not see: neither Jobs nor, without them, that there are none", async () => {
    const { fake, cli } = await world();
    fake.forbid({ verbs: ["list"], resources: ["jobs"] });
    for (const argv of [
      ["inspect", "job/job-failed"],
      ["logs", "22222222"],
      ["cancel", "22222222"],
    ]) {
      const { stderr, exitCode } = await cli(argv);
      expect(stderr).toMatch(/^error: cannot list jobs in namespace "default": .*forbidden/);
      expect(exitCode).toBe(4);
    }
  });

  it("blames no pod that it may not see", async () => {
    const { fake, cli } = await world();
    fake.forbid({ verbs: ["list"], resources: ["pods"] });
    const { stdout, exitCode } = await cli(["inspect", "22222222"]);
    expect(stdout).toContain("`- job/job-failed, 3d old\n   `- its pods may not be listed\n");
    expect(stdout).toContain("AN AGENT WOULD\n  not to be told: its pods may not be listed\n");
    expect(exitCode).toBe(0);
    const { jobs } = JSON.parse((await cli(["inspect", "22222222", "-o", "json"])).stdout) as JsonObject;
    expect(jobs).toMatchObject([{ phase: null, pods: null }]);
    expect((await cli(["logs", "22222222"])).exitCode).toBe(4);
  });

  it("goes on without events when this user may not list them", async () => {
    const { fake, cli } = await world();
    fake.forbid({ resources: ["events"] });
    const { stdout, stderr, exitCode } = await cli(["inspect", "22222222"]);
    expect(stdout).toContain("container flow (flows:1) exited with code 3");
    expect(stderr).toMatch(/note: cannot list events/);
    expect(exitCode).toBe(0);
  });
});
