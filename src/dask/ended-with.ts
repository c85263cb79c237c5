// Which of a flow run's Dask clusters an agent ends when the run is over or has lost its pod. Pure.

import { isCancelled } from "../orchestrator/flow-run.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { AttributedBy, ObservedCluster } from "./dask-cluster.ts";
import { isKept } from "../job/labels.ts";
import type { Meta } from "../kube/client/objects.ts";

/** Ties on which is acted though nobody asked for it; an address could be another pod's of the same node. */
const FIRM = new Set<AttributedBy>(["owner", "label", "environment", "name"]);

/** Whether the tie is good enough: a gateway's cluster is its controller's, and what is only guessed is left alone. */
export function isEndedWith(
  { kind, owner }: Pick<ObservedCluster, "kind" | "owner">,
  run: RunStatus,
): boolean {
  if (kind === "gateway" || owner === undefined || owner.by === "guess") return false;
  return isCancelled(run) || FIRM.has(owner.by);
}

/** Whether anything of the cluster is left that may go: neither kept by its annotation, nor being deleted already. */
export function hasMore({ scheduler, workers, services, budgets, resource }: ObservedCluster): boolean {
  const parts: { readonly metadata: Meta }[] = [...workers, ...services, ...budgets];
  if (scheduler !== undefined) parts.push(scheduler);
  if (resource !== undefined) parts.push(resource);
  return parts.some(({ metadata }) => metadata.deletionTimestamp === undefined && !isKept(metadata));
}
