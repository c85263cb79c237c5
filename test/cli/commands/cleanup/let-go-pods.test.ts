// Pods whose Job was deleted with propagation Orphan: nobody but `cleanup` deletes them, once their run is over.

import { describe, expect, it } from "vitest";
import { startTestCluster } from "./cluster.ts";

describe("a pod without its Job", () => {
  it.each([
    { state: "Success", phase: "Succeeded", left: [] },
    { state: "Failed", phase: "Running", left: [] },
    { state: "Running", phase: "Running", left: ["pod-running"] },
  ])("of a $state run, $phase: cleanup leaves $left", async ({ state, phase, left }) => {
    const cluster = await startTestCluster();
    cluster.letGoPod(`pod-${phase.toLowerCase()}`, cluster.flowRun(state, "fox"), { phase });
    const { exitCode } = await cluster.run(["cleanup", "--yes", "--older-than", "0"]);
    expect(exitCode).toBe(0);
    expect(cluster.left("pods")).toEqual(left);
  });

  it("does not keep another one of its run", async () => {
    const cluster = await startTestCluster();
    const run = cluster.flowRun("Failed", "fox");
    for (const name of ["pod-a", "pod-b"]) cluster.letGoPod(name, run);
    await cluster.run(["cleanup", "--yes", "--older-than", "0"]);
    expect(cluster.left("pods")).toEqual([]);
  });

  it("is not selected by the labels of other runs' Jobs", async () => {
    const cluster = await startTestCluster();
    cluster.letGoPod("pod-running", cluster.flowRun("Failed", "fox"));
    const { exitCode } = await cluster.run(["cleanup", "--yes", "--older-than", "0", "-l", "team=data"]);
    expect([exitCode, cluster.left("pods")]).toEqual([0, ["pod-running"]]);
    expect((await cluster.run(["jobs", "-l", "team=data"])).stdout).toBe("");
  });

  it("is shown by inspect, with what becomes of it", async () => {
    const cluster = await startTestCluster();
    cluster.letGoPod("pod-running", cluster.flowRun("Running", "fox"));
    const { stdout } = await cluster.run(["inspect", "fox"]);
    expect(stdout).toMatch(/job\/job-gone deleted, its pods let go/);
    expect(stdout).toMatch(/pod\/pod-running Running/);
  });
});
