// Still holds: what was planned against what is seen right before an object goes. Pure. People have read the plan
// meanwhile, pods have started, runs have been restarted: in doubt an object stays, and the next look judges it anew.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import { isLiving } from "../dask/pod-life.ts";
import { isKept } from "../job/labels.ts";
import { isOver } from "../job/observe/phase.ts";
import type { AnyObject, Job, Meta, Pod } from "../kube/client/objects.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { PlanItem } from "./item.ts";
import { jobRuns } from "./plan-jobs.ts";

/** What an item's ground has to be checked against. */
export interface RecheckContext {
  /** The state of the item's run, asked afresh. */
  readonly status: RunStatus;
  /** Pods of the item's run that live, beside those that go with this plan. */
  readonly runPods: readonly Pod[];
  /** Pods of the item's Dask cluster that are there. */
  readonly clusterPods: readonly Pod[];
}

/** An object as it is now, by its resource. */
export type Fresh =
  | { readonly resource: "jobs"; readonly object: Job }
  | { readonly resource: "pods"; readonly object: Pod }
  | { readonly resource: "services" | "poddisruptionbudgets" | "daskclusters"; readonly object: AnyObject };

/** Why the object has to stay after all; undefined: it may go. */
export function whyNotObject(item: PlanItem, { resource, object }: Fresh): string | undefined {
  const { metadata } = object;
  if (metadata.uid !== item.uid) return "another object has its name now";
  if (isKept(metadata)) return "annotated prefect.io/keep since";
  if (item.reason === "cancelled") return undefined;
  if (resource === "jobs") {
    if (item.reason === "finished") return isOver(object) ? undefined : "it is not over any more";
    return !item.running && jobRuns(object) ? "it has started to run since" : undefined;
  }
  if (resource !== "pods") return undefined;
  if (item.reason === "finished") return isLiving(object) ? "it is not over any more" : undefined;
  return !item.running && object.status.phase === "Running" ? "it has started to run since" : undefined;
}

/** Why what is around the object keeps it; undefined: nothing does. */
export function whyNotAround(item: PlanItem, around: RecheckContext): string | undefined {
  switch (item.reason) {
    case "finished":
    case "cancelled":
      return undefined;
    case "orphaned":
      return whyNotOver(item, around.status) ?? (item.resource === "jobs" ? undefined : whyWanted(around));
    case "replaced":
      return whyNotReplaced(item, around);
    case "no-pods":
      return around.clusterPods.length > 0 ? "a pod of its cluster is there" : undefined;
  }
}

/** Deleted is as over as finished; but no answer is no proof of either. */
function whyNotOver(item: PlanItem, view: RunStatus): string | undefined {
  if (view.kind === "known") {
    return isFinished(view.state.type) ? undefined : `its flow run is ${view.state.name} now`;
  }
  if (view.kind === "missing") return undefined;
  return `the state of flow run "${item.run?.id ?? ""}" cannot be read now`;
}

function whyWanted({ runPods }: RecheckContext): string | undefined {
  const [pod] = runPods;
  return pod === undefined ? undefined : `pod "${pod.metadata.name}" of its flow run lives`;
}

function whyNotReplaced(item: PlanItem, { runPods }: RecheckContext): string | undefined {
  const elder = runPods.find(({ metadata }) => createdMs(metadata) <= item.createdAt.getTime());
  return elder === undefined ? undefined : `pod "${elder.metadata.name}" of its flow run may have made it`;
}

function createdMs({ creationTimestamp }: Meta): number {
  return Date.parse(creationTimestamp);
}
