// Inventory: Dask clusters go to the runs that they belong to; a run of which nothing else is left gets a print of its
// own, so that its state is asked for too. Pure.

import { runInName } from "../dask/attribute.ts";
import { variableOf } from "../dask/recognise.ts";
import { FLOW_RUN_LABEL_2 } from "../job/labels.ts";
import type { DaskPrint } from "../dask/dask-cluster.ts";
import type { Generation, RunPrint } from "./inventory.ts";

/** The runs with their clusters, and the clusters of nobody. */
export function withDask(
  runs: readonly RunPrint[],
  clusters: readonly DaskPrint[],
): { readonly runs: readonly RunPrint[]; readonly unowned: readonly DaskPrint[] } {
  const all = [...runs, ...strangers(runs, clusters)];
  const owned = new Set<DaskPrint>();
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
function strangers(runs: readonly RunPrint[], clusters: readonly DaskPrint[]): readonly RunPrint[] {
  const known = new Set(runs.map((run) => `${run.namespace}/${run.flowRunId}`));
  const found = new Map<string, RunPrint>();
  for (const cluster of clusters) {
    const flowRunId = cluster.owner?.flowRunId;
    const key = `${cluster.namespace}/${flowRunId}`;
    if (flowRunId === undefined || known.has(key) || found.has(key)) continue;
    found.set(key, {
      flowRunId,
      generation: generationOf(cluster),
      namespace: cluster.namespace,
      name: undefined,
      run: { kind: "unknown" },
      footprint: { flowRunId, jobs: [] },
      dask: [],
    });
  }
  return [...found.values()];
}

/** By label or variable of Prefect 2 and 3; else 1, whose agent alone gives the name that tells the run. */
function generationOf({ name, scheduler, workers, resource }: DaskPrint): Generation {
  if (runInName(name) !== undefined) return 1;
  const pods = scheduler === undefined ? workers : [scheduler, ...workers];
  const labelled = [...pods, ...(resource === undefined ? [] : [resource])].some(
    ({ metadata }) => metadata.labels?.[FLOW_RUN_LABEL_2] !== undefined,
  );
  return labelled || pods.some((pod) => variableOf(pod, "PREFECT__FLOW_RUN_ID") !== undefined) ? 2 : 1;
}
