// Inventory: what of a look is shown when not all runs were looked for. Pure.

import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { InventoryRun } from "./inventory.ts";
import type { InventoryQuery } from "./load.ts";

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
