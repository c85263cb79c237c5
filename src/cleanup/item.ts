// What a plan is made of: objects that are to go, and objects that stay, each with its reason.

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
 * Why it may go, and so what has to be true still when it goes: finished (for good), orphaned (lives on although its flow
 * run is over), replaced (its flow run has another Dask cluster now), noPods (no pod is behind it), cancelled (somebody
 * wants all of its flow run to go, whatever it does).
 */
export type Ground = "finished" | "orphaned" | "replaced" | "no-pods" | "cancelled";

/** The flow run that an object belongs to, as far as it is known. */
export interface OwnerRun {
  readonly id: string;
  readonly name: string | undefined;
  readonly prefectVersion: PrefectVersion;
  readonly status: RunStatus;
  /** Where its Jobs are. */
  readonly namespace: string;
}

/** An object that is to go. */
export interface PlanItem {
  readonly resource: Removable;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
  readonly reason: Ground;
  /** For people: `succeeded 2h ago`. */
  readonly message: string;
  readonly run: OwnerRun | undefined;
  /** The Dask cluster that it is a part of. */
  readonly cluster: string | undefined;
  /** Items of a lower order go first. */
  readonly order: number;
  /** Something ran in it when it was planned. What has begun to run since then is another matter, and stays. */
  readonly running: boolean;
}

/** An object, or a whole Dask cluster, that stays. */
export interface Kept {
  readonly resource: Removable;
  readonly ref: ObjectRef;
  readonly reason: string;
  readonly run: OwnerRun | undefined;
}

/** What becomes of an inventory. */
export interface Plan {
  /** In the order in which they go. */
  readonly items: readonly PlanItem[];
  readonly kept: readonly Kept[];
}

/** Jobs go first, so that no flow works on with half a cluster; of a cluster the workers, and last what leads to it. */
export const ORDER = { job: 0, worker: 1, daskCluster: 1, scheduler: 2, budget: 3, service: 4 } as const;

/** The parts of an item that its object says itself. */
export function itemOf(meta: Meta): Pick<PlanItem, "ref" | "uid" | "resourceVersion" | "createdAt"> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = meta;
  return { ref: { namespace, name }, uid, resourceVersion, createdAt: new Date(creationTimestamp) };
}
