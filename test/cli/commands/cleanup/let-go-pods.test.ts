// Pods whose Job was deleted with propagation Orphan: nobody but `cleanup` deletes them, once their run is over.

import { describe, expect, it } from "vitest";
import { fakePrefect3 } from "../../../support/prefect3.ts";
import { NAMESPACE, startTestCluster, type TestCluster } from "./cluster.ts";

const CLEANUP = ["cleanup", "--yes", "--older-than", "0"];

describe("a pod without its Job", () => {
  it.each([
    { state: "Success", phase: "Succeeded", left: [] },
    { state: "Failed", phase: "Running", left: [] },
    { state: "Running", phase: "Running", left: ["pod-running"] },
  ])("of a $state run, $phase: cleanup leaves $left", async ({ state, phase, left }) => {
    const cluster = await startTestCluster();
    cluster.letGoPod(`pod-${phase.toLowerCase()}`, cluster.flowRun(state, "fox"), { phase });
    const { exitCode } = await cluster.run(CLEANUP);
    expect(exitCode).toBe(0);
    expect(cluster.left("pods")).toEqual(left);
  });

  it("does not keep another one of its run", async () => {
    const cluster = await startTestCluster();
    const run = cluster.flowRun("Failed", "fox");
    for (const name of ["pod-a", "pod-b"]) cluster.letGoPod(name, run);
    await cluster.run(CLEANUP);
    expect(cluster.left("pods")).toEqual([]);
  });

  it("is not selected by the labels of other runs' Jobs", async () => {
    const cluster = await startTestCluster();
    cluster.letGoPod("pod-running", cluster.flowRun("Failed", "fox"));
    const { exitCode } = await cluster.run([...CLEANUP, "-l", "team=data"]);
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

  describe("of Prefect 3", () => {
    const ID = "0c0c0c0c-3333-4333-8333-cccccccccccc";

    async function letGo(type: string, labels: Readonly<Record<string, string>> = { "controller-uid": "u" }) {
      const cluster = await startTestCluster();
      const { fake, url } = await fakePrefect3();
      fake.put({ id: ID, name: "wise-owl", state: { type } });
      cluster.kube.put("pods", {
        metadata: {
          name: "pod-owl",
          namespace: NAMESPACE,
          labels: { "prefect.io/flow-run-id": ID, "job-name": "owl", ...labels },
        },
        spec: { restartPolicy: "Never", containers: [{ name: "prefect-job", image: "flows:1" }] },
        status: { phase: "Running" },
      });
      const run = (...argv: readonly string[]): ReturnType<TestCluster["run"]> =>
        cluster.run(argv, { env: { PREFECT_API_URL: url }, alone: true });
      return { cluster, run };
    }

    it.each([
      { name: "goes with cleanup once its run is over", type: "CANCELLED", argv: CLEANUP, left: [] },
      { name: "stays while its run works", type: "RUNNING", argv: CLEANUP, left: ["pod-owl"] },
      { name: "goes with cancel", type: "RUNNING", argv: ["cancel", "wise-owl", "--now"], left: [] },
    ])("$name", async ({ type, argv, left }) => {
      const { cluster, run } = await letGo(type);
      const { exitCode } = await run(...argv);
      expect([exitCode, cluster.left("pods")]).toEqual([0, left]);
    });

    it("is shown by inspect", async () => {
      const { run } = await letGo("RUNNING");
      expect((await run("inspect", ID)).stdout).toMatch(/job\/owl deleted, its pods let go/);
    });

    it("is none without the uid of a Job", async () => {
      const { cluster, run } = await letGo("CANCELLED", {});
      await run(...CLEANUP);
      expect(cluster.left("pods")).toEqual(["pod-owl"]);
    });
  });
});
