// kubectl prefect inspect: how RUN is resolved, and what is printed.

import { describe, expect, it, onTestFinished } from "vitest";
import type { JsonObject } from "../../../../src/base/json.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import { DAYS_AGO, ended, POD, putJob, startTestCluster, runId } from "../../../inventory/test-cluster.ts";
import type { TestCluster } from "../../../inventory/test-cluster.ts";

async function testCluster(): Promise<TestCluster> {
  const found = await startTestCluster({ controller: false, namespaces: ["other"] });
  putJob(found, "job-failed", { run: runId(2), pod: POD.failed, status: ended("Failed") });
  putJob(found, "job-pull", { run: runId(3), pod: POD.pulling });
  const labels = { "prefect.io/flow-run-id": runId(4), "prefect.io/flow-run-name": "amber-fox" };
  putJob(found, "third", { run: runId(4), labels, pod: POD.running, namespace: "other" });
  return found;
}

function putEvent({ fake }: TestCluster, about: { resource: string; name: string }, message: string): void {
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
  it("shows a failed run with Job, pod, container, events, post-mortem and next actions", async () => {
    const setup = await testCluster();
    putEvent(setup, { resource: "pods", name: "job-failed-pod" }, "Error: it broke");
    const { stdout, exitCode } = await setup.cli(["inspect", "22222222"]);
    expect(stdout).toBe(`STATUS failed: container 'flow' exited with code 3
  Job job-failed
    Hint: see the last lines of its log
  Pod job-failed-pod (Failed, node node-1)

flow run ${runId(2)} (Prefect 1)
|- state <unknown>
\`- job/job-failed failed, 3d old
   \`- pod/job-failed-pod Error, on node-1, 3d old
      |- container flow (flows:1) exited with code 3
      \`- event Failed (7 times) 3d ago: Error: it broke

AN AGENT WOULD
  read the flow run's state from Prefect first
  delete Job job-failed

CLEANUP WOULD (--older-than 10m)
  delete job.batch/job-failed: failed 3d ago
`);
    expect(exitCode).toBe(0);
  });

  it.each([
    { how: "whole id", argv: [runId(3)], text: "job/job-pull stuck" },
    { how: "Job", argv: ["job/job-pull"], text: "job/job-pull stuck" },
    { how: "prefix without hyphens", argv: ["333333333333"], text: "job/job-pull stuck" },
    { how: "label's name in another namespace", argv: ["amber-fox", "-A"], text: "job/third live" },
    { how: "namespace", argv: ["44444444", "-n", "other"], text: "(Prefect 2 or 3)" },
  ])("finds a run by its $how", async ({ argv, text }) => {
    const { cli } = await testCluster();
    const { stdout, exitCode } = await cli(["inspect", ...argv]);
    expect(stdout).toContain(text);
    expect(exitCode).toBe(0);
  });

  it.each([
    { argv: ["nobody"], text: 'cannot find flow run "nobody": it has no Job in namespace "default"' },
    { argv: ["job/nothing"], text: 'cannot find Job "nothing"' },
    { argv: ["1234567"], text: 'cannot find flow run "1234567"' },
    { argv: [runId(4)], text: `cannot find flow run "${runId(4)}"` },
  ])("does not find $argv, and prints a hint", async ({ argv, text }) => {
    const { cli } = await testCluster();
    const { stdout, stderr, exitCode } = await cli(["inspect", ...argv]);
    expect(stderr).toContain(`error: ${text}`);
    expect(stderr).toContain("hint: ");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  });

  it("lists the candidates for an ambiguous prefix", async () => {
    const setup = await testCluster();
    const others = ["22222222-2222-4222-8222-22222222aaaa", "22222222-2222-4222-8222-22222222bbbb"];
    for (const run of others) putJob(setup, `job-${run.slice(-4)}`, { run });
    const { stdout, stderr, exitCode } = await setup.cli(["inspect", "22222222"]);
    for (const id of [runId(2), ...others]) expect(stderr).toContain(id);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });

  it("shows a run by its name in Prefect with its state, with and without a Job", async () => {
    const setup = await testCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const flow = prefect.createFlow({ name: "f" });
    const [here, nowhere] = ["quick-fox", "slow-hare"].map((name) => prefect.createFlowRun({ flow, name }));
    prefect.setState(here!.id, { type: "Failed", message: "it broke" });
    putJob(setup, "mine", { run: here!.id, pod: POD.running });
    const asking = ["--api", prefect.url, "-b", "server"];
    const found = await setup.cli(["inspect", "quick-fox", ...asking]);
    expect(found.stdout).toContain(`flow run quick-fox ${here!.id} (Prefect 1)\n|- state Failed: it broke\n`);
    expect(found.stdout).toContain("job/mine live");
    const without = await setup.cli(["inspect", "slow-hare", ...asking]);
    expect(without.stdout).toContain(`flow run slow-hare ${nowhere!.id} (Prefect 1)\n|- state Scheduled`);
    expect(without.stdout).toContain(`no objects in namespace "default"`);
    expect(without).toMatchObject({ stderr: "", exitCode: 0 });
  });

  it("prints one object with -o json and yaml", async () => {
    const { cli } = await testCluster();
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
        agent: [
          "read the flow run's state from Prefect first",
          expect.stringContaining("delete Job job-failed"),
        ],
        cleanup: [
          { action: "delete", object: "job.batch/job-failed", namespace: "default", reason: "failed 3d ago" },
        ],
      },
    });
    expect((await cli(["inspect", "22222222", "-o", "yaml"])).stdout).toContain("\nkind: FlowRun\n");
    expect((await cli(["inspect", "22222222", "-o", "wide"])).exitCode).toBe(2);
  });

  it("shows what cleanup would keep, and why", async () => {
    const { fake, cli } = await testCluster();
    putJob({ fake }, "job-live", { run: runId(5), pod: POD.running });
    const { stdout } = await cli(["inspect", "job/job-live"]);
    expect(stdout).toMatch(
      /\nCLEANUP WOULD \(--older-than 10m\)\n  leave job\.batch\/job-live: not finished, the state of its flow run is unknown\n$/,
    );
  });

  it("shows what cleanup would do with a Dask cluster, with one line for many workers", async () => {
    const setup = await testCluster();
    const cluster = `dask-${runId(2)}-03d5b8bb-0`;
    for (const worker of ["a", "b", "c", "d", "e"]) {
      const labels = { "dask.org/cluster-name": cluster, "dask.org/component": "worker", app: "dask" };
      const containers = [{ name: "dask-worker", image: "flows:1" }];
      const metadata = { name: `${cluster}${worker}`, labels, creationTimestamp: DAYS_AGO };
      setup.fake.put("pods", { metadata, spec: { restartPolicy: "Never", containers }, status: POD.done });
    }
    const { stdout } = await setup.cli(["inspect", "22222222"]);
    expect(stdout).toContain(`delete pod/${cluster}a and 4 more: Completed 3d ago\n`);
  });

  it("fails without permission to list Jobs", async () => {
    const { fake, cli } = await testCluster();
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

  it("does not call a Job without visible pods stuck", async () => {
    const { fake, cli } = await testCluster();
    fake.forbid({ verbs: ["list"], resources: ["pods"] });
    const { stdout, exitCode } = await cli(["inspect", "22222222"]);
    expect(stdout).toContain("`- job/job-failed, 3d old\n   `- no permission to list its pods\n");
    expect(stdout).toContain("AN AGENT WOULD\n  unknown: no permission to list its pods\n");
    expect(exitCode).toBe(0);
    const { jobs } = JSON.parse((await cli(["inspect", "22222222", "-o", "json"])).stdout) as JsonObject;
    expect(jobs).toMatchObject([{ phase: null, pods: null }]);
    expect((await cli(["logs", "22222222"])).exitCode).toBe(4);
  });

  it("works without permission to list events", async () => {
    const { fake, cli } = await testCluster();
    fake.forbid({ resources: ["events"] });
    const { stdout, stderr, exitCode } = await cli(["inspect", "22222222"]);
    expect(stdout).toContain("container flow (flows:1) exited with code 3");
    expect(stderr).toMatch(/warning: cannot list events/);
    expect(exitCode).toBe(0);
  });
});
