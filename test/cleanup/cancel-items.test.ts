// What of the cluster belongs to a cancelled run: everything that is tied to it, nothing that is only guessed.

import { describe, expect, it } from "vitest";
import { cancelPlan, clustersOf, stillRunning } from "../../src/cleanup/cancel-items.ts";
import { findClusters } from "../../src/dask/find-clusters.ts";
import type { Inventory, InventoryRun } from "../../src/inventory/inventory.ts";
import type { Pod } from "../../src/kube/client/objects.ts";
import { ago, classic, job, jobPrint, nameFor, pod, RUN_A, RUN_B, runPrint } from "../dask/samples.ts";

const LOCAL = "dask-root-03d5b8bb-0";
const A = new Set([RUN_A]);
const address = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.7:40123" };
const flowPod = pod("flow-a", { podIP: "10.0.0.7", creationTimestamp: ago(90), image: "flow:1" });
const runA = runPrint(RUN_A, { jobs: [jobPrint(job("job-a", RUN_A), [flowPod])] });

function inventoryOf(runs: readonly InventoryRun[], pods: readonly Pod[]): Inventory {
  const unownedDask = findClusters({ pods, services: [], budgets: [], clusters: [] }, runs);
  return { runs, unownedDask, warnings: [] };
}

function names(inventory: Inventory, seen: ReadonlyMap<string, string> = new Map()): readonly string[] {
  return cancelPlan(inventory, A, seen).items.map(({ resource, cluster }) => cluster ?? resource);
}

describe("cancelPlan", () => {
  it.each<{ name: string; pod: Pod; wanted: string[] }>([
    { name: "takes what is tied by name", pod: classic(nameFor(RUN_A)), wanted: ["jobs", nameFor(RUN_A)] },
    {
      name: "takes workers of the flow's own scheduler",
      pod: classic(LOCAL, { env: address }),
      wanted: ["jobs", LOCAL],
    },
    { name: "leaves a guess", pod: classic(LOCAL, { image: "flow:1" }), wanted: ["jobs"] },
    { name: "leaves another run's", pod: classic(nameFor(RUN_B)), wanted: ["jobs"] },
    {
      name: "leaves dask-gateway's",
      pod: pod("g", { labels: { "gateway.dask.org/cluster": "g", "prefect.io/flow_run_id": RUN_A } }),
      wanted: ["jobs"],
    },
  ])("$name", ({ pod: given, wanted }) => {
    expect(names(inventoryOf([runA], [given]))).toEqual(wanted);
  });

  it("knows a cluster again when the flow's pod, its only tie, is gone", () => {
    const worker = classic(LOCAL, { env: address });
    const seen = clustersOf(inventoryOf([runA], [worker]), A);
    const later = inventoryOf([], [worker]);
    expect([names(later), names(later, seen)]).toEqual([[], [LOCAL]]);
  });

  it("does not know a cluster again by a name that others may have as well", () => {
    const worker = classic("my-cluster", { env: address });
    expect(clustersOf(inventoryOf([runA], [worker]), A).size).toBe(0);
  });
});

describe("stillRunning", () => {
  it.each<{ name: string; run: InventoryRun; wanted: string[] }>([
    { name: "a pod that lives", run: runA, wanted: ['pod "flow-a"'] },
    {
      name: "a Job that may make a pod",
      run: runPrint(RUN_A, { jobs: [jobPrint(job("j", RUN_A))] }),
      wanted: ['Job "j"'],
    },
    {
      name: "nothing of a finished Job",
      run: runPrint(RUN_A, {
        jobs: [jobPrint(job("j", RUN_A, { ended: "Complete" }), [pod("p", { phase: "Succeeded" })])],
      }),
      wanted: [],
    },
    {
      name: "nothing of another run",
      run: runPrint(RUN_B, { jobs: [jobPrint(job("j", RUN_B))] }),
      wanted: [],
    },
  ])("names $name", ({ run, wanted }) => {
    expect(stillRunning(inventoryOf([run], []), A)).toEqual(wanted);
  });
});
