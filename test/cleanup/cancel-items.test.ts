// What cancel deletes: everything that is attributed to the run, nothing that is only guessed.

import { describe, expect, it } from "vitest";
import { cancelPlan, clustersOf, stillEnding, stillRunning } from "../../src/cleanup/cancel-items.ts";
import { findClusters } from "../../src/dask/find-clusters.ts";
import type { Inventory, InventoryRun } from "../../src/inventory/inventory.ts";
import type { Pod } from "../../src/kube/client/objects.ts";
import {
  ago,
  classic,
  daskCluster,
  job,
  observedJob,
  nameFor,
  pod,
  RUN_A,
  RUN_B,
  inventoryRun,
} from "../dask/samples.ts";

const LOCAL = "dask-root-03d5b8bb-0";
const A = new Set([RUN_A]);
const address = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.7:40123" };
const flowPod = pod("flow-a", { podIP: "10.0.0.7", creationTimestamp: ago(90), image: "flow:1" });
const runA = inventoryRun(RUN_A, { jobs: [observedJob(job("job-a", RUN_A), [flowPod])] });

function inventoryOf(runs: readonly InventoryRun[], pods: readonly Pod[]): Inventory {
  const unownedDask = findClusters(
    { pods, services: [], budgets: [], clusters: [] },
    runs.map(({ observed }) => observed),
  );
  return { runs, unownedDask, warnings: [] };
}

function names(inventory: Inventory, known?: ReadonlyMap<string, string>): readonly string[] {
  return cancelPlan(inventory, A, { known }).items.map(({ resource, cluster }) => cluster ?? resource);
}

describe("cancelPlan", () => {
  it.each<{ name: string; pod: Pod; wanted: string[] }>([
    {
      name: "deletes a Dask cluster with the run id in its name",
      pod: classic(nameFor(RUN_A)),
      wanted: ["jobs", nameFor(RUN_A)],
    },
    {
      name: "deletes workers of the scheduler in the flow's pod",
      pod: classic(LOCAL, { env: address }),
      wanted: ["jobs", LOCAL],
    },
    { name: "keeps a guessed Dask cluster", pod: classic(LOCAL, { image: "flow:1" }), wanted: ["jobs"] },
    { name: "keeps the Dask cluster of another run", pod: classic(nameFor(RUN_B)), wanted: ["jobs"] },
    {
      name: "keeps a Dask cluster of dask-gateway",
      pod: pod("g", { labels: { "gateway.dask.org/cluster": "g", "prefect.io/flow_run_id": RUN_A } }),
      wanted: ["jobs"],
    },
  ])("$name", ({ pod: daskPod, wanted }) => {
    expect(names(inventoryOf([runA], [daskPod]))).toEqual(wanted);
  });

  it("says that a guessed Dask cluster is kept", () => {
    const { kept } = cancelPlan(inventoryOf([runA], [classic(LOCAL, { image: "flow:1" })]), A);
    expect(kept.map(({ ref, run, reason }) => [ref.name, run?.flowRunId, reason])).toEqual([
      [expect.any(String), RUN_A, "that it belongs to the flow run is only a guess"],
    ]);
  });

  it("deletes the pods that a deleted Job has let go", () => {
    const gone = { ...observedJob(job("job-a", RUN_A), [flowPod]), gone: true };
    expect(names(inventoryOf([inventoryRun(RUN_A, { jobs: [gone] })], []))).toEqual(["pods"]);
  });

  it("keeps a Job and a DaskCluster with a pod that is to be kept", () => {
    const annotations = { "prefect.io/keep": "true" };
    const run = inventoryRun(RUN_A, {
      jobs: [observedJob(job("job-a", RUN_A), [pod("flow-a", { annotations })])],
    });
    const labels = { "dask.org/workergroup-name": "default" };
    const worker = classic(nameFor(RUN_A), { labels, annotations });
    const unownedDask = findClusters(
      { pods: [worker], services: [], budgets: [], clusters: [daskCluster(nameFor(RUN_A))] },
      [run.observed],
    );
    const { items, kept } = cancelPlan({ runs: [run], unownedDask }, A);
    expect(items).toEqual([]);
    expect(kept.map(({ reason }) => reason)).toEqual([
      'its pod "flow-a" is annotated prefect.io/keep',
      `its pod "${worker.metadata.name}" is annotated prefect.io/keep`,
    ]);
  });

  it("finds a cluster known from before, after the flow's pod is gone", () => {
    const worker = classic(LOCAL, { env: address });
    const before = clustersOf(inventoryOf([runA], [worker]), A);
    const later = inventoryOf([], [worker]);
    expect([names(later), names(later, before)]).toEqual([[], [LOCAL]]);
  });

  it("does not remember a cluster whose name is not unique", () => {
    const worker = classic("my-cluster", { env: address });
    expect(clustersOf(inventoryOf([runA], [worker]), A).size).toBe(0);
  });
});

describe("stillRunning", () => {
  it("counts what a Job is kept with as kept", () => {
    const annotations = { "prefect.io/keep": "true" };
    const jobs = [
      observedJob(job("j", RUN_A), [pod("p", { annotations }), pod("q")]),
      observedJob(job("k", RUN_A), [pod("r")]),
    ];
    const running = stillRunning(inventoryOf([inventoryRun(RUN_A, { jobs })], []), A);
    expect(running.map(({ isKept }) => isKept)).toEqual([true, true, false]);
  });

  it.each<{ name: string; run: InventoryRun; wanted: string[] }>([
    { name: "a running pod", run: runA, wanted: ['pod "flow-a"'] },
    {
      name: "a Job that may create a pod",
      run: inventoryRun(RUN_A, { jobs: [observedJob(job("j", RUN_A))] }),
      wanted: ['Job "j"'],
    },
    {
      name: "nothing of a finished Job",
      run: inventoryRun(RUN_A, {
        jobs: [observedJob(job("j", RUN_A, { ended: "Complete" }), [pod("p", { phase: "Succeeded" })])],
      }),
      wanted: [],
    },
    {
      name: "nothing of a Job that is being deleted",
      run: inventoryRun(RUN_A, {
        jobs: [observedJob(job("j", RUN_A, { deletionTimestamp: ago(0) }), [flowPod])],
      }),
      wanted: [],
    },
    {
      name: "a pod that a Job lets go that is being deleted",
      run: inventoryRun(RUN_A, {
        jobs: [
          observedJob(job("j", RUN_A, { deletionTimestamp: ago(0), finalizers: ["orphan"] }), [flowPod]),
        ],
      }),
      wanted: ['pod "flow-a"'],
    },
    {
      name: "nothing of another run",
      run: inventoryRun(RUN_B, { jobs: [observedJob(job("j", RUN_B))] }),
      wanted: [],
    },
  ])("names $name", ({ run, wanted }) => {
    expect(stillRunning(inventoryOf([run], []), A).map(({ name }) => name)).toEqual(wanted);
  });
});

describe("stillEnding", () => {
  it.each([
    { name: "a pod that runs", phase: "Running", wanted: ['pod "flow-a"'] },
    { name: "no pod that has never started: nothing of it can end by itself", phase: "Pending", wanted: [] },
  ])("names $name", ({ phase, wanted }) => {
    const run = inventoryRun(RUN_A, { jobs: [observedJob(job("job-a", RUN_A), [pod("flow-a", { phase })])] });
    expect(stillEnding(inventoryOf([run], []), A).map(({ name }) => name)).toEqual(wanted);
  });

  it("names a Job without a pod, which may create one", () => {
    const run = inventoryRun(RUN_A, { jobs: [observedJob(job("j", RUN_A))] });
    expect(stillEnding(inventoryOf([run], []), A).map(({ name }) => name)).toEqual(['Job "j"']);
  });
});
