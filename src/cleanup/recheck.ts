// Recheck: whether the reason of a planned deletion still holds right before the object is deleted. Pure. Since the plan was
// made, pods may have started and runs may have been restarted: in doubt an object is kept until the next cleanup.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import { isPodActive } from "../dask/pod-status.ts";
import { isKept } from "../job/labels.ts";
import { isJobFinished } from "../job/observe/phase.ts";
import type { AnyObject, Job, Meta, Pod } from "../kube/client/objects.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { PlanItem } from "./item.ts";
import { jobRuns } from "./plan-jobs.ts";

/** What an item's reason is checked against. */
export interface RecheckContext {
  /** The current status of the item's run. */
  readonly status: RunStatus;
  /** Living pods of the item's run, without those that this plan deletes. */
  readonly runPods: readonly Pod[];
  /** Existing pods of the item's Dask cluster. */
  readonly clusterPods: readonly Pod[];
}

/** An object as it is now, by its resource. */
export type CurrentObject =
  | { readonly resource: "jobs"; readonly object: Job }
  | { readonly resource: "pods"; readonly object: Pod }
  | { readonly resource: "services" | "poddisruptionbudgets" | "daskclusters"; readonly object: AnyObject };

/** Why the object is kept after all; undefined: it can be deleted. */
export function objectKeepReason(item: PlanItem, { resource, object }: CurrentObject): string | undefined {
  const { metadata } = object;
  if (metadata.uid !== item.uid) return "another object has this name now";
  if (isKept(metadata)) return "it is now annotated prefect.io/keep";
  if (item.reason === "cancelled") return undefined;
  if (resource === "jobs") {
    if (item.reason === "finished") return isJobFinished(object) ? undefined : "it is no longer finished";
    return !item.running && jobRuns(object) ? "it has started running" : undefined;
  }
  if (resource !== "pods") return undefined;
  if (item.reason === "finished") return isPodActive(object) ? "it is no longer finished" : undefined;
  return !item.running && object.status.phase === "Running" ? "it has started running" : undefined;
}

/** Why the object is kept because of its run or its pods; undefined: it can be deleted. */
export function contextKeepReason(item: PlanItem, context: RecheckContext): string | undefined {
  switch (item.reason) {
    case "finished":
    case "cancelled":
      return undefined;
    case "orphaned":
      return (
        runKeepReason(item, context.status) ?? (item.resource === "jobs" ? undefined : podKeepReason(context))
      );
    case "replaced":
      return creatorKeepReason(item, context);
    case "no-pods":
      return context.clusterPods.length > 0 ? "its Dask cluster has a pod again" : undefined;
  }
}

/** A deleted run is over like a finished one; an unknown one may be neither. */
function runKeepReason(item: PlanItem, status: RunStatus): string | undefined {
  if (status.kind === "known") {
    return isFinished(status.state.type) ? undefined : `its flow run is ${status.state.name} now`;
  }
  if (status.kind === "missing") return undefined;
  return `cannot read the state of flow run "${item.run?.id ?? ""}"`;
}

function podKeepReason({ runPods }: RecheckContext): string | undefined {
  const [pod] = runPods;
  return pod === undefined ? undefined : `pod "${pod.metadata.name}" of its flow run is running`;
}

function creatorKeepReason(item: PlanItem, { runPods }: RecheckContext): string | undefined {
  const older = runPods.find(({ metadata }) => createdMs(metadata) <= item.createdAt.getTime());
  return older === undefined ? undefined : `pod "${older.metadata.name}" of its flow run may have created it`;
}

function createdMs({ creationTimestamp }: Meta): number {
  return Date.parse(creationTimestamp);
}
