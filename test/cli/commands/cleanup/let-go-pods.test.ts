// Pods whose Job was deleted with propagation Orphan: nobody but `cleanup` deletes them, once their run is over.

import { describe, expect, it } from "vitest";
import { NAMESPACE, startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

function letGo(cluster: TestCluster, run: string, phase: string): void {
  const labels = {
    "prefect.io/identifier": "aaaaaaaa",
    "prefect.io/flow_run_id": run,
    "job-name": "job-gone",
    "controller-uid": `uid-of-${run}`,
  };
  cluster.kube.put("pods", {
    metadata: { name: `pod-${phase.toLowerCase()}`, namespace: NAMESPACE, labels },
    spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }] },
    status: { phase },
  });
}

describe("a pod without its Job", () => {
  it.each([
    { state: "Success", phase: "Succeeded", left: [] },
    { state: "Failed", phase: "Running", left: [] },
    { state: "Running", phase: "Running", left: ["pod-running"] },
  ])("of a $state run, $phase: cleanup leaves $left", async ({ state, phase, left }) => {
    const cluster = await startTestCluster();
    letGo(cluster, cluster.flowRun(state, "fox"), phase);
    const { exitCode } = await cluster.run(["cleanup", "--yes", "--older-than", "0"]);
    expect(exitCode).toBe(0);
    expect(cluster.left("pods")).toEqual(left);
  });

  it("is shown by inspect, with what becomes of it", async () => {
    const cluster = await startTestCluster();
    letGo(cluster, cluster.flowRun("Running", "fox"), "Running");
    const { stdout } = await cluster.run(["inspect", "fox"]);
    expect(stdout).toMatch(/job\/job-gone deleted, its pods let go/);
    expect(stdout).toMatch(/pod\/pod-running Running/);
  });
});
