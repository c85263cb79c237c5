// A Dask cluster as observed: its parts, and the flow run that it belongs to.

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
export function podsOf({
  scheduler,
  workers,
}: Pick<ObservedCluster, "scheduler" | "workers">): readonly Pod[] {
  return scheduler === undefined ? workers : [scheduler, ...workers];
}

/** All its objects. */
export function partsOf(dask: ObservedCluster): readonly { readonly metadata: Meta }[] {
  const resource = dask.resource === undefined ? [] : [dask.resource];
  return [...podsOf(dask), ...dask.services, ...dask.budgets, ...resource];
}
