// What a plan consists of: objects to delete and objects to keep, each with its reason.

import type { InventoryRun } from "../inventory/inventory.ts";
import type { Meta, ObjectRef, Pod, Resource } from "../kube/client/objects.ts";
import { isKept } from "../job/labels.ts";

/** The default of `cleanup --older-than` in milliseconds, which `doctor` and `inspect` go by. */
export const OLDER_THAN_MS = 600_000;

/** The resources that flow runs leave behind: what people call one, and what kubectl calls it. */
export const REMOVABLE = {
  jobs: { one: "Job", kubectl: "job.batch" },
  pods: { one: "pod", kubectl: "pod" },
  services: { one: "Service", kubectl: "service" },
  poddisruptionbudgets: { one: "PodDisruptionBudget", kubectl: "poddisruptionbudget.policy" },
  daskclusters: { one: "DaskCluster", kubectl: "daskcluster.kubernetes.dask.org" },
} satisfies Partial<Record<Resource, unknown>>;
export type Removable = keyof typeof REMOVABLE;

/** How many there are of each resource: `3 Jobs, 1 pod`; `nothing` for none. */
export function countsText(objects: readonly { readonly resource: Removable }[]): string {
  const parts = (Object.keys(REMOVABLE) as Removable[]).flatMap((resource) => {
    const count = objects.filter((object) => object.resource === resource).length;
    return count === 0 ? [] : [`${count} ${REMOVABLE[resource].one}${count === 1 ? "" : "s"}`];
  });
  return parts.join(", ") || "nothing";
}

/**
 * Why an object is deleted; it must still be true at the moment of deletion. finished: it has finished for good; orphaned:
 * it still runs although its flow run is over; replaced: its flow run has a newer Dask cluster; no-pods: its Dask cluster
 * has no pods; cancelled: the user cancels its flow run.
 */
export type DeletionReason = "finished" | "orphaned" | "replaced" | "no-pods" | "cancelled";

/** The flow run that an object belongs to, as far as it is known. */
export type OwnerRun = Pick<InventoryRun, "flowRunId" | "name" | "prefectVersion" | "status" | "namespace">;

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
export interface Kept extends Pick<PlanItem, "resource" | "ref" | "run"> {
  readonly reason: string;
}

/** What to delete and what to keep of an inventory. */
export interface Plan {
  /** In the order of deletion. */
  readonly items: readonly PlanItem[];
  readonly kept: readonly Kept[];
}

/**
 * The parts of a flow run, in the order of deletion: Jobs, and pods that a deleted Job has let go, first, so that no flow
 * continues with half a cluster; then workers, scheduler, and last what leads to it.
 */
const PARTS = {
  job: { resource: "jobs", order: 0 },
  pod: { resource: "pods", order: 0 },
  worker: { resource: "pods", order: 1 },
  daskCluster: { resource: "daskclusters", order: 1 },
  scheduler: { resource: "pods", order: 2 },
  budget: { resource: "poddisruptionbudgets", order: 3 },
  service: { resource: "services", order: 4 },
} as const;
export type Part = keyof typeof PARTS;

interface DraftOf {
  readonly run: OwnerRun | undefined;
  readonly cluster?: string;
  /** Why everything is kept, if it is. */
  readonly keep?: string | undefined;
  /** Also plan what is being deleted already, to wait for its end. */
  readonly withTerminating?: boolean | undefined;
}

/** Collects what is deleted and what is kept of one flow run or Dask cluster. */
export class PlanDraft implements Plan {
  readonly items: PlanItem[] = [];
  readonly kept: Kept[] = [];
  readonly #of: DraftOf;

  constructor(of: DraftOf) {
    this.#of = of;
  }

  /** Adds an object. `pods` go with it, so one that is to be kept keeps it. */
  add(
    part: Part,
    { metadata }: { readonly metadata: Meta },
    { pods = [], ...decision }: KeepOrDelete & { readonly running?: boolean; readonly pods?: readonly Pod[] },
  ): void {
    const { run, cluster, keep: keepAll, withTerminating = false } = this.#of;
    if (metadata.deletionTimestamp !== undefined && !withTerminating) return;
    const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
    const { resource, order } = PARTS[part];
    const ref = { namespace, name };
    const keptPod = pods.find((pod) => isKept(pod.metadata));
    const ofPod = keptPod && `its pod "${keptPod.metadata.name}" is annotated prefect.io/keep`;
    const keep = isKept(metadata) ? "annotated prefect.io/keep" : (ofPod ?? keepAll);
    if (keep !== undefined) this.kept.push({ resource, ref, run, reason: keep });
    else if ("keep" in decision) this.kept.push({ resource, ref, run, reason: decision.keep });
    else {
      const object = { resource, ref, uid, resourceVersion, createdAt: new Date(creationTimestamp) };
      this.items.push({ running: false, ...decision, ...object, run, cluster, order });
    }
  }
}
