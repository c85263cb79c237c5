// Inventory: Dask clusters go to the runs that they belong to; a run of which nothing else is left gets a print of its
// own, so that its state is asked for too. Pure.

import { runInName } from "../dask/attribute.ts";
import { variableOf } from "../dask/recognise.ts";
import { FLOW_RUN_LABEL_2 } from "../job/labels.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { PrefectVersion, InventoryRun } from "./inventory.ts";

/** The runs with their clusters, and the clusters of nobody. */
export function withDask(
  runs: readonly InventoryRun[],
  clusters: readonly ObservedCluster[],
): { readonly runs: readonly InventoryRun[]; readonly unowned: readonly ObservedCluster[] } {
  const all = [...runs, ...strangers(runs, clusters)];
  const owned = new Set<ObservedCluster>();
  const filled = all.map((run) => {
    const dask = clusters.filter(
      (cluster) => cluster.owner?.flowRunId === run.flowRunId && cluster.namespace === run.namespace,
    );
    for (const cluster of dask) owned.add(cluster);
    return dask.length === 0 ? run : { ...run, dask };
  });
  return { runs: filled, unowned: clusters.filter((cluster) => !owned.has(cluster)) };
}

/** Runs that are known by their clusters alone. */
function strangers(
  runs: readonly InventoryRun[],
  clusters: readonly ObservedCluster[],
): readonly InventoryRun[] {
  const known = new Set(runs.map((run) => `${run.namespace}/${run.flowRunId}`));
  const found = new Map<string, InventoryRun>();
  for (const cluster of clusters) {
    const flowRunId = cluster.owner?.flowRunId;
    const key = `${cluster.namespace}/${flowRunId}`;
    if (flowRunId === undefined || known.has(key) || found.has(key)) continue;
    found.set(key, {
      flowRunId,
      prefectVersion: prefectVersionOf(cluster),
      namespace: cluster.namespace,
      name: undefined,
      status: { kind: "unknown" },
      observed: { flowRunId, jobs: [] },
      dask: [],
    });
  }
  return [...found.values()];
}

/** By label or variable of Prefect 2 and 3; else 1, whose agent alone gives the name that tells the run. */
function prefectVersionOf({ name, scheduler, workers, resource }: ObservedCluster): PrefectVersion {
  if (runInName(name) !== undefined) return 1;
  const pods = scheduler === undefined ? workers : [scheduler, ...workers];
  const labelled = [...pods, ...(resource === undefined ? [] : [resource])].some(
    ({ metadata }) => metadata.labels?.[FLOW_RUN_LABEL_2] !== undefined,
  );
  return labelled || pods.some((pod) => variableOf(pod, "PREFECT__FLOW_RUN_ID") !== undefined) ? 2 : 1;
}
