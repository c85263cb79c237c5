// Which runs an inventory is asked for, and what of it is shown. Pure.

import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { InventoryRun } from "./inventory.ts";
import type { DaskScope } from "./list-dask.ts";
import type { ListQuery } from "../kube/client/api.ts";

/** What to look at. Selectors are about Jobs. */
export interface InventoryQuery extends ListQuery {
  /** Only this run. */
  readonly flowRunId?: string | undefined;
  /** Dask clusters, too, and how much of them. Those that are only guessed to be a run's need all runs to be listed. */
  readonly dask?: DaskScope | undefined;
  /** Events of the Jobs and their pods, too; `noPods`: only those that tell why a Job has no pod. */
  readonly events?: "all" | "no-pods" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A guess compares all runs of a namespace; where only some are listed, there is nothing to guess from. */
export function withoutGuess(cluster: ObservedCluster, query: InventoryQuery): ObservedCluster {
  const isPartial = [query.flowRunId, query.labelSelector, query.fieldSelector].some(
    (each) => each !== undefined,
  );
  return isPartial && cluster.owner?.by === "guess" ? { ...cluster, owner: undefined } : cluster;
}

/** Of selected Jobs only their own runs; a cluster's owner that was not selected is not shown. */
export function isWanted(
  run: InventoryRun,
  { flowRunId, labelSelector, fieldSelector }: InventoryQuery,
): boolean {
  if (flowRunId !== undefined) return run.flowRunId === flowRunId;
  const isSelected = labelSelector === undefined && fieldSelector === undefined;
  return isSelected || run.observed.jobs.length > 0;
}
