// A Dask cluster as observed: its parts, the flow run that it belongs to, and whether it is deleted with that run.

import { isKept } from "../job/labels.ts";
import { isCancelled, type RunStatus } from "../orchestrator/flow-run.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";

/** The evidence that a Dask cluster belongs to a flow run, most reliable first; a guess is shown, never acted on. */
export type AttributedBy = "owner" | "label" | "environment" | "name" | "address" | "guess";

export interface Attribution {
  readonly flowRunId: string;
  readonly by: AttributedBy;
}

export interface ObservedCluster {
  /** classic: bare pods of KubeCluster; operator: owned by a DaskCluster; gateway: managed by dask-gateway, never deleted. */
  readonly kind: "classic" | "operator" | "gateway";
  readonly name: string;
  readonly namespace: string;
  readonly scheduler: Pod | undefined;
  readonly workers: readonly Pod[];
  /** Services and PodDisruptionBudgets of a classic cluster; they have the cluster's name. */
  readonly services: readonly AnyObject[];
  readonly budgets: readonly AnyObject[];
  /** The DaskCluster resource, if there is one. */
  readonly resource: AnyObject | undefined;
  readonly owner: Attribution | undefined;
}

/** Scheduler first, then the workers. */
export function podsOf(dask: Pick<ObservedCluster, "scheduler" | "workers">): readonly Pod[] {
  return dask.scheduler === undefined ? dask.workers : [dask.scheduler, ...dask.workers];
}

/** All its objects. */
export function partsOf(dask: ObservedCluster): readonly { readonly metadata: Meta }[] {
  const resource = dask.resource === undefined ? [] : [dask.resource];
  return [...podsOf(dask), ...dask.services, ...dask.budgets, ...resource];
}

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
