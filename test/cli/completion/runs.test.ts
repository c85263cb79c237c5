// Completion of RUN: the flow runs that have Jobs in the cluster, and no waiting for what does not answer.

import { describe, expect, it, onTestFinished } from "vitest";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import { DAYS_AGO, POD, putJob, startTestCluster, runId } from "../../inventory/test-cluster.ts";
import type { TestCluster } from "../../inventory/test-cluster.ts";

const third = (digit: number, name: string) => ({
  run: runId(digit),
  labels: { "prefect.io/flow-run-id": runId(digit), "prefect.io/flow-run-name": name },
});

async function testCluster(): Promise<TestCluster> {
  const found = await startTestCluster({ controller: false, namespaces: ["other"] });
  putJob(found, "amber-fox-x1", third(4, "amber-fox"));
  putJob(found, "prefect-job-1", { run: runId(2), pod: POD.running, createdAt: new Date().toISOString() });
  putJob(found, "elsewhere", { ...third(5, "far-away"), namespace: "other" });
  return found;
}

/** Candidates, each with its meaning. */
async function completed(
  { cli }: TestCluster,
  words: readonly string[],
  env = {},
): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await cli(["__complete", ...words], { env });
  const lines = stdout.trimEnd().split("\n");
  expect({ stderr, exitCode, directive: lines.at(-1) }).toEqual({ stderr: "", exitCode: 0, directive: ":4" });
  return lines.slice(0, -1);
}

describe("completion of RUN", () => {
  it.each([
    { typed: ["inspect", ""], want: ["22222222-2222-4222-8222-222222222222", "amber-fox"] },
    { typed: ["logs", "-f", "am"], want: ["amber-fox"] },
    { typed: ["logs", "4444"], want: [runId(4)] },
    { typed: ["cancel", "job/"], want: ["job/prefect-job-1", "job/amber-fox-x1"] },
    { typed: ["cancel", "j"], want: ["job/prefect-job-1", "job/amber-fox-x1"] },
    { typed: ["cancel", "amber-fox", ""], want: [runId(2)] },
    { typed: ["inspect", "amber-fox", ""], want: [] },
    { typed: ["inspect", "-n", "other", ""], want: ["far-away"] },
    { typed: ["inspect", "--namespace=other", ""], want: ["far-away"] },
    { typed: ["inspect", "-A", "f"], want: ["far-away"] },
    { typed: ["render", "am"], want: ["amber-fox"] },
    { typed: ["cleanup", "--run", "am"], want: ["amber-fox"] },
    { typed: ["cleanup", "--run=am"], want: ["amber-fox"] },
    { typed: ["cleanup", ""], want: [] },
    { typed: ["inspect", "zzz"], want: [] },
  ])("offers for $typed: $want", async ({ typed, want }) => {
    const found = await completed(await testCluster(), typed);
    expect(found.map((line) => line.split("\t")[0] ?? "").toSorted()).toEqual(want.toSorted());
  });

  it("says of each word what it means", async () => {
    const given = await testCluster();
    expect(await completed(given, ["inspect", "amber"])).toEqual([`amber-fox\t${runId(4)}`]);
    expect(await completed(given, ["inspect", "22"])).toEqual([`${runId(2)}\tprefect-job-1`]);
    expect(await completed(given, ["inspect", "job/a"])).toEqual(["job/amber-fox-x1\tamber-fox"]);
  });

  it("knows the names and states of Prefect 1 where its API answers", async () => {
    const given = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const run = prefect.createFlowRun({ flow: prefect.createFlow({ name: "f" }), name: "quick-fox" });
    putJob(given, "mine", { run: run.id });
    const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
    expect(await completed(given, ["logs", "qu"], env)).toEqual([`quick-fox\tScheduled, ${run.id}`]);
    const dead = { ...env, PREFECT__CLOUD__API: "http://127.0.0.1:1" };
    expect(await completed(given, ["logs", ""], dead)).toEqual([`${run.id}\tmine`]);
  });

  it("offers the ids of runs that share a name", async () => {
    const given = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const flow = prefect.createFlow({ name: "f" });
    const ids = [0, 1].map(() => prefect.createFlowRun({ flow, name: "nightly" }).id);
    const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
    const found = await completed(given, ["logs", ""], env);
    expect(found.toSorted()).toEqual(ids.map((id) => `${id}\tScheduled, nightly`).toSorted());
  });

  it("offers the id of a run whose name a shell would take for several words", async () => {
    const given = await startTestCluster();
    const metadata = { name: "odd", labels: third(6, "fine").labels, creationTimestamp: DAYS_AGO };
    given.fake.put("jobs", { metadata, spec: { template: {} } });
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const name = "my run; rm -rf";
    const run = prefect.createFlowRun({ flow: prefect.createFlow({ name: "f" }), name });
    putJob(given, "spaced", { run: run.id });
    const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
    const found = await completed(given, ["logs", ""], env);
    expect(found.toSorted()).toEqual([`fine\t${runId(6)}`, `${run.id}\tScheduled, ${name}`].toSorted());
  });

  it("has nothing to offer, and does not fail, where the cluster does not answer or refuses", async () => {
    const given = await testCluster();
    given.fake.forbid({ verbs: ["list"], resources: ["jobs"] });
    expect(await completed(given, ["inspect", ""])).toEqual([]);
    await given.fake.stop();
    expect(await completed(given, ["inspect", ""])).toEqual([]);
  });
});
