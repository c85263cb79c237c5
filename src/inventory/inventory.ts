// Inventory: everything that flow runs have in the cluster, of Prefect 0.x to 3, with the runs' states beside it.
// One model for `jobs`, `inspect`, `logs`, `cleanup` and `cancel`: they differ only in what they show and do.

import type { KubeError } from "../kube/errors.ts";
import type { AnyObject, Pod, Resource } from "../kube/objects.ts";
import type { Footprint } from "../job/footprint.ts";
import type { RunView } from "../job/verdict.ts";

/** Which Prefect a run belongs to, by its labels: 1 (0.x and 1.x, underscores) or 2 (2.x and 3.x, hyphens). */
export type Generation = 1 | 2;

/** One flow run: its Jobs with pods and events, its Dask clusters, its state. */
export interface RunPrint {
  readonly flowRunId: string;
  readonly generation: Generation;
  readonly namespace: string;
  /** From Prefect, or from labels; undefined when neither knows. */
  readonly name: string | undefined;
  readonly run: RunView;
  readonly footprint: Footprint;
  /** Its pods may not be listed: that there are none in the footprint says nothing. */
  readonly podsUnseen?: boolean | undefined;
  readonly dask: readonly DaskPrint[];
}

/** How a Dask cluster was found to belong to a flow run, strongest first; a guess is shown, never acted on. */
export type AttributedBy = "owner" | "label" | "environment" | "name" | "address" | "guess";

export interface Attribution {
  readonly flowRunId: string;
  readonly by: AttributedBy;
}

/** A Dask cluster with all that is left of it. */
export interface DaskPrint {
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

/** What was found, and what could not be looked at. */
export interface Inventory {
  readonly runs: readonly RunPrint[];
  /** Dask clusters that belong to no known run. */
  readonly unownedDask: readonly DaskPrint[];
  /** One line for each resource that could not be listed, or that Prefect did not answer for. */
  readonly gaps: readonly string[];
  /** Resources that this user may not list; nothing is known of them. */
  readonly unseen?: readonly Resource[] | undefined;
  /** The server's own answer for each of them. */
  readonly refusals?: ReadonlyMap<Resource, KubeError> | undefined;
}
