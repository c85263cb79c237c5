// Which flow runs an inventory contains. Pure.

import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { InventoryRun } from "./inventory.ts";
import type { DaskScope } from "./list-dask.ts";
import type { ListQuery } from "../kube/client/api.ts";

/** What to list. Selectors apply to Jobs. */
export interface InventoryQuery extends ListQuery {
  /** Only this run. */
  readonly flowRunId?: string | undefined;
  /** Also Dask clusters, and how much of them. Guessing a cluster's run needs all runs. */
  readonly dask?: DaskScope | undefined;
  /** Also events of the Jobs and their pods; `no-pods`: only those that explain why a Job has no pod. */
  readonly events?: "all" | "no-pods" | undefined;
  /** Also runs without objects in the cluster: those that are due, claimed or running, and those that ended since then. */
  readonly endedSince?: Date | undefined;
  /** No other Prefect uses these namespaces: a run that the API does not know was deleted. */
  readonly onlyPrefect?: boolean | undefined;
  /** Also the agents that the runs belong to. */
  readonly owners?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A guess compares all runs of a namespace; if only some are listed, it is dropped. */
export function withoutGuessedOwner(cluster: ObservedCluster, query: InventoryQuery): ObservedCluster {
  const isPartial = [query.flowRunId, query.labelSelector, query.fieldSelector].some(
    (each) => each !== undefined,
  );
  return isPartial && cluster.owner?.by === "guess" ? { ...cluster, owner: undefined } : cluster;
}

/** With a selector, only runs of selected Jobs; a run that only a Dask cluster names is left out. */
export function isSelected(
  run: InventoryRun,
  { flowRunId, labelSelector, fieldSelector }: InventoryQuery,
): boolean {
  if (flowRunId !== undefined) return run.flowRunId === flowRunId;
  const isUnfiltered = labelSelector === undefined && fieldSelector === undefined;
  return isUnfiltered || run.observed.jobs.length > 0;
}
