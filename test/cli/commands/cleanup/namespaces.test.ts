// cleanup in several namespaces, some without permission to list.

import { describe, expect, it } from "vitest";
import { startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

const GO = ["cleanup", "--yes", "--older-than", "0"];
const ALL = ["jobs", "pods", "services", "poddisruptionbudgets", "daskclusters"];

/** A finished Job in each of three namespaces. */
async function threeNamespaces(): Promise<TestCluster> {
  const testCluster = await startTestCluster(["etl", "ml"]);
  const id = testCluster.flowRun("Success", "ended");
  for (const namespace of ["flows", "etl", "ml"])
    testCluster.job(`job-${namespace}`, id, { metadata: { namespace } });
  return testCluster;
}

function jobs(testCluster: TestCluster): readonly string[] {
  return ["flows", "etl", "ml"].flatMap((namespace) =>
    testCluster.kube.list("jobs", namespace).map(({ metadata }) => metadata.name),
  );
}

describe("cleanup in several namespaces", () => {
  it.each([
    { argv: [], left: ["job-etl", "job-ml"] },
    { argv: ["-n", "etl"], left: ["job-flows", "job-ml"] },
    { argv: ["-n", "flows", "-n", "etl"], left: ["job-ml"] },
    { argv: ["-n", "flows,etl", "--namespace=ml"], left: [] },
    { argv: ["-n", "etl", "-A"], left: [] },
  ])("deletes only in the named namespaces: $argv", async ({ argv, left }) => {
    const testCluster = await threeNamespaces();
    const { exitCode } = await testCluster.run([...GO, ...argv]);
    expect([exitCode, jobs(testCluster)]).toEqual([0, left]);
  });

  it("prints the namespace of each object", async () => {
    const testCluster = await threeNamespaces();
    const { stdout } = await testCluster.run(["cleanup", "--dry-run", "--older-than", "0", "-n", "ml,etl"]);
    const rows = stdout.trim().split("\n");
    expect(rows.map((row) => row.split(/ +/).slice(0, 2))).toEqual([
      ["NAMESPACE", "OBJECT"],
      ["ml", "job.batch/job-ml"],
      ["etl", "job.batch/job-etl"],
    ]);
  });

  it.each(["", ",", "a,,b"])("rejects an empty namespace name: -n '%s'", async (text) => {
    const testCluster = await threeNamespaces();
    const { exitCode, stderr } = await testCluster.run([...GO, "-n", text]);
    expect([exitCode, jobs(testCluster)]).toEqual([2, ["job-flows", "job-etl", "job-ml"]]);
    expect(stderr).toContain("empty namespace name");
  });

  it.each(["-n flows,etl,ml", "-A"])("reports forbidden namespaces, and does the rest: %s", async (where) => {
    const testCluster = await threeNamespaces();
    testCluster.kube.forbid({ verbs: ["list"], resources: ALL, namespaces: ["", "etl"] });
    const { exitCode, stderr } = await testCluster.run([...GO, ...where.split(" ")]);
    expect(jobs(testCluster)).toEqual(["job-etl"]);
    expect(stderr).toMatch(
      /^warning: cannot list jobs in namespace "etl": .* is forbidden: .*\nremoved 2 Jobs\n$/,
    );
    expect(exitCode).toBe(1);
  });

  it("reports forbidden deletions in one of them, and does the rest", async () => {
    const testCluster = await threeNamespaces();
    testCluster.kube.forbid({ verbs: ["delete"], namespaces: ["etl"] });
    const { exitCode, stderr } = await testCluster.run([...GO, "-A"]);
    expect([exitCode, jobs(testCluster)]).toEqual([1, ["job-etl"]]);
    expect(stderr).toContain('error: cannot delete Job "job-etl" in namespace "etl": ');
    expect(stderr).toContain("removed 2 Jobs; 1 failed\n");
  });

  it("keeps a Service if its pods cannot be listed", async () => {
    const testCluster = await startTestCluster(["etl"]);
    testCluster.daskFront("dask-root-03d5b8bb-0");
    testCluster.kube.forbid({ verbs: ["list"], resources: ["pods"], namespaces: ["flows"] });
    const { exitCode } = await testCluster.run([...GO, "-n", "flows,etl"]);
    expect([exitCode, testCluster.left("services")]).toEqual([0, ["dask-root-03d5b8bb-0"]]);
  });

  it("exits with 4 if nothing can be listed, and explains how to name namespaces", async () => {
    const testCluster = await threeNamespaces();
    testCluster.kube.forbid({ verbs: ["list"], namespaces: [""] });
    const { exitCode, stderr } = await testCluster.run([...GO, "-A"]);
    expect([exitCode, jobs(testCluster)]).toEqual([4, ["job-flows", "job-etl", "job-ml"]]);
    expect(stderr).toContain("name the namespaces to clean up: -n ONE,TWO");
    expect(stderr).toContain("nothing removed: no permission to list Jobs\n");
  });
});
