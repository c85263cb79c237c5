// ObservedRun: the Jobs, pods and events of a flow run in the cluster. One run can have several Jobs (a retry, a restart,
// Lazarus). A deleted Job stays here until its end is reported, and as long as pods work on without it.

import type { Condition, Job, KubeEvent, Meta, Pod } from "../../kube/client/objects.ts";
import { isAgentJob, isKept, isMadeByPrefect } from "../labels.ts";

export interface ObservedJob {
  readonly job: Job;
  readonly pods: readonly Pod[];
  /** Pods that were deleted from the cluster, as last observed. */
  readonly deletedPods: readonly Pod[];
  /** Events of the Job and of its pods. */
  readonly events: readonly KubeEvent[];
  /** The Job was deleted, and not by this agent. */
  readonly gone: boolean;
  /** By name: since when a node does not answer; of nodes that may not be read nothing is known. */
  readonly unreachable?: ReadonlyMap<string, Date> | undefined;
}

export interface ObservedRun {
  readonly flowRunId: string;
  readonly jobs: readonly ObservedJob[];
}

export function eventsOf(observed: ObservedJob, uid: string): KubeEvent[] {
  return observed.events.filter((event) => event.involvedObject.uid === uid);
}

/** Whether the Job was deleted, or is being deleted. */
export function isDeleted({ job, gone }: ObservedJob): boolean {
  return gone || job.metadata.deletionTimestamp !== undefined;
}

/** Whether the Job is kept, by its own annotation or by that of a pod that would go with it. */
export function isKeptWithPods({ job, pods }: Pick<ObservedJob, "job" | "pods">): boolean {
  return [job, ...pods].some(({ metadata }) => isKept(metadata));
}

/** The Jobs that run the flow: those that the flow makes itself may have its run's label, too. All, if Prefect made none. */
export function jobsOfPrefect(jobs: readonly ObservedJob[]): readonly ObservedJob[] {
  const made = jobs.filter(({ job }) => isMadeByPrefect(job.metadata));
  return made.length === 0 ? jobs : made;
}

/** Whether the pod was let go when its Job was deleted (propagation Orphan), so that it works on without it. */
export function isOrphan(pod: Pod, { job, gone }: ObservedJob): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (!gone) return job.metadata.finalizers?.includes("orphan") === true;
  return !(pod.metadata.ownerReferences ?? []).some(({ uid }) => uid === job.metadata.uid);
}

/** The condition that is True and has one of these types. */
export function conditionOf(
  { conditions = [] }: Job["status"] | Pod["status"],
  ...types: readonly string[]
): Condition | undefined {
  return conditions.find(({ type, status }) => status === "True" && types.includes(type));
}

/** Whether a condition of one of these types is True. */
export function hasCondition(status: Job["status"], ...types: readonly string[]): boolean {
  return conditionOf(status, ...types) !== undefined;
}

/** When the object was created, in milliseconds. */
export function createdMs({ metadata }: { readonly metadata: Pick<Meta, "creationTimestamp"> }): number {
  return Date.parse(metadata.creationTimestamp);
}

/** The uid of the pod's Job; a pod that its Job has let go still has it in a label. */
export function jobUidOf({ metadata }: Pod): string | undefined {
  const { ownerReferences = [], labels = {} } = metadata;
  const owner = ownerReferences.find(({ kind }) => kind === "Job")?.uid;
  return owner ?? labels["batch.kubernetes.io/controller-uid"] ?? labels["controller-uid"];
}

/** A Job that is deleted with propagation Orphan lets go of its pods first. */
export function isLetGo({ metadata }: Pod): boolean {
  return (metadata.ownerReferences ?? []).length === 0 && isAgentJob(metadata);
}

/** What is known of a Job by its pod. */
export function formerJobOf({ metadata }: Pod, uid: string): Job {
  const { labels = {} } = metadata;
  const name = labels["job-name"] ?? metadata.name;
  return { metadata: { ...metadata, uid, name, ownerReferences: [] }, spec: {}, status: {} };
}
