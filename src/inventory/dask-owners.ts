// Inventory: assigns Dask clusters to the runs that they belong to; a run that has nothing else becomes a run of the
// inventory, so that its state is read too. Pure.

import { podsOf, type ObservedCluster } from "../dask/dask-cluster.ts";
import { flowRunIdInName } from "../dask/attribute.ts";
import { variableOf } from "../dask/recognise.ts";
import { FLOW_RUN_LABEL_2 } from "../job/labels.ts";
import { withoutObjects, type PrefectVersion, type InventoryRun } from "./inventory.ts";

/** The runs with their clusters, and the clusters without a run. */
export function withDask(
  runs: readonly InventoryRun[],
  clusters: readonly ObservedCluster[],
): { readonly runs: readonly InventoryRun[]; readonly unowned: readonly ObservedCluster[] } {
  if (clusters.length === 0) return { runs, unowned: [] };
  const owned = clusters.filter(({ owner }) => owner !== undefined);
  const byRun = Map.groupBy(owned, ({ namespace, owner }) => keyOf(namespace, owner?.flowRunId ?? ""));
  const known = new Set(runs.map((run) => keyOf(run.namespace, run.flowRunId)));
  const others = [...byRun].flatMap(([key, [cluster]]) =>
    cluster?.owner === undefined || known.has(key) ? [] : [runOf(cluster, cluster.owner.flowRunId)],
  );
  const filled = [...runs, ...others].map((run) => {
    const dask = byRun.get(keyOf(run.namespace, run.flowRunId));
    return dask === undefined ? run : { ...run, dask };
  });
  return { runs: filled, unowned: clusters.filter(({ owner }) => owner === undefined) };
}

function keyOf(namespace: string, flowRunId: string): string {
  return `${namespace}/${flowRunId}`;
}

function runOf(cluster: ObservedCluster, flowRunId: string): InventoryRun {
  const unread = { name: undefined, status: { kind: "unknown" } } as const;
  const prefectVersion = prefectVersionOf(cluster);
  return withoutObjects({ flowRunId, prefectVersion, namespace: cluster.namespace, ...unread });
}

/** 2 by a label or variable of Prefect 2 and 3; only the agent for Prefect 1 puts the flow run id into the name. */
function prefectVersionOf(cluster: ObservedCluster): PrefectVersion {
  const { name, resource } = cluster;
  if (flowRunIdInName(name) !== undefined) return 1;
  const pods = podsOf(cluster);
  const isOf2 =
    [resource, ...pods].some((each) => each?.metadata.labels?.[FLOW_RUN_LABEL_2] !== undefined) ||
    pods.some((pod) => variableOf(pod, "PREFECT__FLOW_RUN_ID") !== undefined);
  return isOf2 ? 2 : 1;
}
