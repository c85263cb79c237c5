// A Dask cluster as it is seen: its parts, and the flow run that it belongs to.

import type { AnyObject, Pod } from "../kube/client/objects.ts";

/** How a Dask cluster was found to belong to a flow run, strongest first; a guess is shown, never acted on. */
export type AttributedBy = "owner" | "label" | "environment" | "name" | "address" | "guess";

export interface Attribution {
  readonly flowRunId: string;
  readonly by: AttributedBy;
}

/** A Dask cluster with all that is left of it. */
export interface ObservedCluster {
  /** classic: bare pods of KubeCluster; operator: a DaskCluster owns all; gateway: its own controller's, left alone. */
  readonly kind: "classic" | "operator" | "gateway";
  readonly name: string;
  readonly namespace: string;
  readonly scheduler: Pod | undefined;
  readonly workers: readonly Pod[];
  /** Services and PodDisruptionBudgets of a classic cluster; both are named as the cluster. */
  readonly services: readonly AnyObject[];
  readonly budgets: readonly AnyObject[];
  /** The DaskCluster of operator and gateway. */
  readonly resource: AnyObject | undefined;
  readonly owner: Attribution | undefined;
}
