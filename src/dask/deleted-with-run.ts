// Which Dask clusters of a flow run the agent deletes when the run is over or has lost its pod. Pure.

import { isCancelled } from "../orchestrator/flow-run.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { AttributedBy, ObservedCluster } from "./dask-cluster.ts";
import { partsOf } from "./dask-cluster.ts";
import { isKept } from "../job/labels.ts";

/** Evidence that suffices to delete a cluster without a user's request; an address may have been reused by another pod. */
const RELIABLE = new Set<AttributedBy>(["owner", "label", "environment", "name"]);

/** Whether the cluster is deleted with its run; never if dask-gateway manages it or its run is only a guess. */
export function isDeletedWithRun(
  { kind, owner }: Pick<ObservedCluster, "kind" | "owner">,
  run: RunStatus,
): boolean {
  if (kind === "gateway" || owner === undefined || owner.by === "guess") return false;
  return isCancelled(run) || RELIABLE.has(owner.by);
}

/** Whether a part of the cluster can be deleted: not annotated to be kept, and not being deleted already. */
export function hasDeletableParts(dask: ObservedCluster): boolean {
  return partsOf(dask).some(({ metadata }) => metadata.deletionTimestamp === undefined && !isKept(metadata));
}
