// What a plan consists of: objects to delete and objects to keep, each with its reason.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { PrefectVersion } from "../inventory/inventory.ts";
import type { ObjectRef } from "../kube/client/api.ts";
import type { Meta, Resource } from "../kube/client/objects.ts";

/** The resources that flow runs leave behind. */
export type Removable = Extract<
  Resource,
  "jobs" | "pods" | "services" | "poddisruptionbudgets" | "daskclusters"
>;

/**
 * Why an object is deleted; it must still be true at the moment of deletion. finished: it has finished for good; orphaned:
 * it still runs although its flow run is over; replaced: its flow run has a newer Dask cluster; no-pods: its Dask cluster
 * has no pods; cancelled: the user cancels its flow run.
 */
export type DeletionReason = "finished" | "orphaned" | "replaced" | "no-pods" | "cancelled";

/** The flow run that an object belongs to, as far as it is known. */
export interface OwnerRun {
  readonly id: string;
  readonly name: string | undefined;
  readonly prefectVersion: PrefectVersion;
  readonly status: RunStatus;
  /** The namespace of its Jobs. */
  readonly namespace: string;
}

/** An object to delete. */
export interface PlanItem {
  readonly resource: Removable;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
  readonly reason: DeletionReason;
  /** For people: `succeeded 2h ago`. */
  readonly message: string;
  readonly run: OwnerRun | undefined;
  /** The Dask cluster that it is a part of. */
  readonly cluster: string | undefined;
  /** Items of a lower order are deleted first. */
  readonly order: number;
  /** It was running when it was planned. What starts to run after that is kept. */
  readonly running: boolean;
}

/** Either why an object is deleted or why it is kept. */
export type KeepOrDelete = Pick<PlanItem, "reason" | "message"> | { readonly keep: string };

/** An object, or a whole Dask cluster, that is kept. */
export interface Kept {
  readonly resource: Removable;
  readonly ref: ObjectRef;
  readonly reason: string;
  readonly run: OwnerRun | undefined;
}

/** What to delete and what to keep of an inventory. */
export interface Plan {
  /** In the order of deletion. */
  readonly items: readonly PlanItem[];
  readonly kept: readonly Kept[];
}

/** Jobs first, so that no flow continues with half a cluster; then workers, scheduler, and last what leads to it. */
export const ORDER = { job: 0, worker: 1, daskCluster: 1, scheduler: 2, budget: 3, service: 4 } as const;

/** The parts of an item that come from the object's metadata. */
export function itemOf(meta: Meta): Pick<PlanItem, "ref" | "uid" | "resourceVersion" | "createdAt"> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = meta;
  return { ref: { namespace, name }, uid, resourceVersion, createdAt: new Date(creationTimestamp) };
}
