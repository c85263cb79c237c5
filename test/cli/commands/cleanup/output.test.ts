// What cleanup prints for programs, and of what is not there any more.

import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

async function ended(names: readonly string[] = ["one"]): Promise<{ testCluster: TestCluster; id: string }> {
  const testCluster = await startTestCluster();
  const id = testCluster.flowRun("Success", "quick-fox");
  for (const name of names) testCluster.job(name, id);
  return { testCluster, id };
}

describe("cleanup", () => {
  it("-o yaml --every prints a stream of documents, and none for a pass without work", async () => {
    const { testCluster, id } = await ended();
    const stop = new AbortController();
    let passes = 0;
    testCluster.kube.setOnRequest(({ verb, resource }) => {
      if (verb !== "list" || resource !== "jobs") return;
      passes++;
      // Two lists, one for each Prefect, make a pass.
      if (passes === 5) testCluster.job("two", id);
      if (passes > 8) stop.abort();
    });
    const argv = ["cleanup", "--yes", "--every", "10ms", "-o", "yaml"];
    const { stdout } = await testCluster.run(argv, { signal: stop.signal });
    const documents = parseAllDocuments(stdout).map((each) => each.toJS() as { items: { name: string }[] });
    expect(documents.map(({ items }) => items.map(({ name }) => name))).toEqual([["one"], ["two"]]);
  });

  it("--dry-run=server -o json does not call deleted what is still there", async () => {
    const { testCluster } = await ended();
    const { stdout } = await testCluster.run(["cleanup", "--dry-run=server", "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ name: "one", outcome: "would be deleted" }] });
  });

  it("of a run that has nothing any more has nothing to do", async () => {
    const { testCluster, id } = await ended();
    const argv = ["cleanup", "--yes", "--run", id];
    expect((await testCluster.run(argv, { alone: true })).exitCode).toBe(0);
    expect(await testCluster.run(argv, { alone: true })).toMatchObject({
      stderr: "nothing to clean up\n",
      exitCode: 0,
    });
  });

  it("counts as deleted what it has deleted although the answer was lost", async () => {
    const { testCluster } = await ended();
    testCluster.kube.fault({
      effect: { kind: "cut", when: "after" },
      match: ({ verb }) => verb === "delete",
      times: 1,
    });
    const { stdout, stderr } = await testCluster.run(["cleanup", "--yes"]);
    expect([stdout, stderr]).toEqual(['job.batch "one" deleted from flows namespace\n', "removed 1 Job\n"]);
  });

  it("keeps Jobs whose pods may not be listed: one of them may be kept", async () => {
    const { testCluster } = await ended();
    testCluster.kube.forbid({ verbs: ["list"], resources: ["pods"] });
    const { stderr } = await testCluster.run(["cleanup", "--yes", "-v"]);
    expect(stderr).toContain("without permission to list pods it is not known whether one is to be kept");
    expect(testCluster.left("jobs")).toEqual(["one"]);
  });

  it("keeps unfinished Jobs then, too, and so does cancel", async () => {
    const testCluster = await startTestCluster();
    testCluster.job("live", testCluster.flowRun("Cancelled", "over"), { status: { active: 1 } });
    testCluster.job("runs", testCluster.flowRun("Running", "quick-fox"), { status: { active: 1 } });
    testCluster.kube.forbid({ verbs: ["list"], resources: ["pods"] });
    await testCluster.run(["cleanup", "--yes", "--older-than", "0"]);
    await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(testCluster.left("jobs")).toEqual(["live", "runs"]);
  });

  it("takes an empty --run for none", async () => {
    const { testCluster } = await ended();
    const { stderr, exitCode } = await testCluster.run(["cleanup", "--yes", "--run", ""]);
    expect([exitCode, stderr.split("\n")[0], testCluster.left("jobs")]).toEqual([
      2,
      "error: RUN is empty",
      ["one"],
    ]);
  });

  it("refuses --agent-label without --agent", async () => {
    const { testCluster } = await ended();
    const { stderr, exitCode } = await testCluster.run(["cleanup", "--dry-run", "--agent-label", "gpu"]);
    expect([exitCode, stderr]).toEqual([
      2,
      'error: cannot use "--agent-label" without "--agent"\nhint: name the agent with --agent NAME\n',
    ]);
  });
});
