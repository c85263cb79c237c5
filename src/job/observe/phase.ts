// The phase of one Job, from its conditions, its pods and their events. Pure. Kubernetes 1.20 and current versions use
// different conditions; both are supported.

import type { Job, Pod } from "../../kube/client/objects.ts";
import type { ObservedJob } from "./observed.ts";
import { isOriginals } from "../owner.ts";
import { eventsOf, flowContainerName, hasCondition } from "./observed.ts";
import { disruptionProblem } from "./disruption.ts";
import {
  restartedAfterCrashAt,
  flowSucceeded,
  isCrashing,
  flowStatus,
  hasFailed,
  podTerminatedAt,
  podTerminationProblem,
  specOf,
  wasKilledByDeletion,
} from "./pod-termination.ts";
import type { Problem } from "./problem.ts";
import { crashProblem, createProblem, oneLine, startProblem, waitingProblem } from "./problem.ts";

export type JobPhase =
  /** Starting or running; `started`: the flow's container runs or ran; `restartedAt`: a container restarted after a crash. */
  | { readonly kind: "live"; readonly started: boolean; readonly restartedAt?: Date | undefined }
  /** Waiting for something that may become available: a node, a quota, a volume. */
  | { readonly kind: "pending"; readonly problem: Problem }
  /** Cannot start unless somebody fixes something; `isPermanent`: a retry by Kubernetes cannot help. */
  | { readonly kind: "stuck"; readonly problem: Problem; readonly isPermanent: boolean }
  /** The flow's container exited with 0, but another container of the pod is still running. */
  | { readonly kind: "sidecarRunning"; readonly endedAt: Date | undefined }
  | { readonly kind: "succeeded"; readonly endedAt: Date | undefined }
  | FailedPhase
  /** The cluster stopped the pod: eviction, drain, preemption or a lost node. */
  | { readonly kind: "disrupted"; readonly problem: Problem; readonly endedAt: Date | undefined }
  /** Deleted, or being deleted, before it finished. */
  | { readonly kind: "deleted"; readonly problem: Problem }
  | { readonly kind: "suspended" };

export interface FailedPhase {
  readonly kind: "failed";
  readonly problem: Problem;
  readonly endedAt: Date | undefined;
  /** No pod is seen to be terminated or deleted yet; the pod watch may still deliver the cause. */
  readonly isCauseUnknown?: boolean;
}

const PERMANENT = new Set(["InvalidImageName", "Admission"]);
const PENDING = new Set(["Unschedulable", "Quota", "Volume", "NoPod"]);
/** Kubernetes' default. */
const BACKOFF_LIMIT = 6;

/** Whether the Job's conditions say that it has completed or failed. */
export function isJobFinished(job: Job): boolean {
  return hasCondition(job.status, "Complete") || hasCondition(job.status, "Failed");
}

/** Whether the Job works on its run or can still start to. */
export function isLive(phase: JobPhase): boolean {
  return phase.kind === "live" || phase.kind === "pending" || phase.kind === "suspended";
}

export function jobPhase(observed: ObservedJob): JobPhase {
  const { job } = observed;
  if (hasCondition(job.status, "Complete") || hasCondition(job.status, "SuccessCriteriaMet")) {
    return { kind: "succeeded", endedAt: finishedAt(job) };
  }
  if (hasCondition(job.status, "Failed") || hasCondition(job.status, "FailureTarget"))
    return failedPhase(observed);
  const isDeleted = observed.gone || job.metadata.deletionTimestamp !== undefined;
  const allPods = [...observed.pods, ...observed.deletedPods];
  const succeeded = allPods.find(
    (pod) => pod.status.phase === "Succeeded" || (isDeleted && flowSucceeded(pod)),
  );
  if (succeeded !== undefined && desiredCompletions(job) === 1)
    return { kind: "succeeded", endedAt: podTerminatedAt(succeeded) };
  const failed = allPods.filter((pod) => hasFailed(pod));
  if (isDeleted)
    return failed.some((pod) => !wasKilledByDeletion(pod)) ? failedPhase(observed) : deletedPhase(observed);
  const live = observed.pods.filter((pod) => !failed.includes(pod));
  if (failed.length > 0 && endsAtFirstFailure(job)) return failedPhase(observed);
  if (live.length === 0 && failed.length > 0 && !willCreateAnotherPod(job, failed.length))
    return failedPhase(observed);
  if (hasCondition(job.status, "Suspended") || job.spec.suspend === true) return { kind: "suspended" };
  return phaseOfLivePods(live, observed);
}

/** Pods that are being deleted count only if there are no others; one live pod makes the Job live. */
function phaseOfLivePods(live: readonly Pod[], observed: ObservedJob): JobPhase {
  const notDeleted = live.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const phases = (notDeleted.length > 0 ? notDeleted : live).map((pod) => livePodPhase(pod, observed));
  return (
    phases.find(({ kind }) => kind === "live" || kind === "sidecarRunning") ?? phases[0] ?? noPods(observed)
  );
}

function desiredCompletions(job: Job): number {
  return job.spec.completions ?? job.spec.parallelism ?? 1;
}

/**
 * Prefect's own agent sets no backoffLimit, and takes the first failed pod for the run's end, although Kubernetes starts the
 * flow again.
 */
function endsAtFirstFailure({ metadata, spec }: Job): boolean {
  return (spec.backoffLimit ?? BACKOFF_LIMIT) === BACKOFF_LIMIT && isOriginals(metadata);
}

/** Whether the Job controller will create another pod: only a template sets a backoffLimit above 0. */
function willCreateAnotherPod(job: Job, failedPods: number): boolean {
  const failures = Math.max(job.status.failed ?? 0, failedPods);
  return failures <= (job.spec.backoffLimit ?? BACKOFF_LIMIT);
}

function failedPhase(observed: ObservedJob): JobPhase {
  const { job } = observed;
  const condition = (job.status.conditions ?? []).find(
    ({ type, status }) => status === "True" && (type === "Failed" || type === "FailureTarget"),
  );
  const allPods = [...observed.pods, ...observed.deletedPods];
  const endedAt = finishedAt(job) ?? podTerminatedAt(allPods.find((pod) => hasFailed(pod)));
  if (condition?.reason === "DeadlineExceeded")
    return { kind: "failed", problem: deadlineProblem(job, allPods[0]), endedAt };
  // The newest pod shows why the Job failed; older ones are earlier attempts.
  const newestFirst = allPods.toSorted((a, b) => createdMs(b) - createdMs(a));
  for (const pod of newestFirst) {
    const disruption = disruptionProblem(pod);
    if (disruption !== undefined) return { kind: "disrupted", problem: disruption, endedAt };
    const termination = wasKilledByDeletion(pod) ? undefined : podTerminationProblem(pod);
    if (termination !== undefined) return { kind: "failed", problem: termination, endedAt };
  }
  const deleted =
    observed.deletedPods[0] ?? observed.pods.find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const problem = problemWithoutTermination(observed, deleted, condition?.message);
  return { kind: "failed", problem, endedAt, isCauseUnknown: deleted === undefined };
}

function createdMs({ metadata }: Pod): number {
  return new Date(metadata.creationTimestamp).getTime();
}

function deadlineProblem(job: Job, pod: Pod | undefined): Problem {
  const seconds = job.spec.activeDeadlineSeconds;
  return {
    reason: "DeadlineExceeded",
    message: `Job '${job.metadata.name}' ran longer than its deadline${seconds === undefined ? "" : ` of ${seconds} s`}`,
    hint: "raise activeDeadlineSeconds in the job template",
    pod: pod?.metadata.name,
    container: pod === undefined ? undefined : flowContainerName(pod),
  };
}

/** No pod failed by itself: the pod was deleted, or the cause is unknown. */
function problemWithoutTermination(
  observed: ObservedJob,
  deleted: Pod | undefined,
  message: string | undefined,
): Problem {
  const name = observed.job.metadata.name;
  if (deleted !== undefined || observed.pods.length === 0) {
    const which = deleted === undefined ? `the pod of Job '${name}'` : `pod '${deleted.metadata.name}'`;
    return {
      reason: "PodDeleted",
      message: `${which} was deleted before it finished`,
      hint: "restart the flow run",
      pod: deleted?.metadata.name,
      container: deleted === undefined ? undefined : flowContainerName(deleted),
    };
  }
  const details = message === undefined || message === "" ? "no reason given" : oneLine(message);
  return { reason: "Unknown", message: `Job '${name}' failed (${details})` };
}

function deletedPhase({ job }: ObservedJob): JobPhase {
  const message = `Job '${job.metadata.name}' was deleted before it finished`;
  return { kind: "deleted", problem: { reason: "JobDeleted", message, hint: "restart the flow run" } };
}

function livePodPhase(pod: Pod, observed: ObservedJob): JobPhase {
  if (flowSucceeded(pod)) return { kind: "sidecarRunning", endedAt: podTerminatedAt(pod) };
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  for (const status of statuses) {
    const spec = specOf(pod, status);
    const problem = isCrashing(pod, status)
      ? crashProblem(status, spec, pod)
      : waitingProblem(status, spec, pod);
    if (problem !== undefined) return phaseOfProblem(problem);
  }
  const started = flowStatus(pod)?.state?.running !== undefined;
  if (started || pod.status.phase !== "Pending")
    return { kind: "live", started, restartedAt: restartedAfterCrashAt(pod) };
  const problem = startProblem(pod, eventsOf(observed, pod.metadata.uid));
  return problem === undefined
    ? { kind: "live", started: false, restartedAt: restartedAfterCrashAt(pod) }
    : phaseOfProblem(problem);
}

function noPods(observed: ObservedJob): JobPhase {
  const { name, uid } = observed.job.metadata;
  return phaseOfProblem(
    createProblem(eventsOf(observed, uid)) ?? { reason: "NoPod", message: `Job '${name}' has no pod yet` },
  );
}

function phaseOfProblem(problem: Problem): JobPhase {
  if (PENDING.has(problem.reason)) return { kind: "pending", problem };
  return { kind: "stuck", problem, isPermanent: PERMANENT.has(problem.reason) };
}

function finishedAt(job: Job): Date | undefined {
  const text =
    job.status.completionTime ??
    (job.status.conditions ?? []).find(({ type, status }) => type === "Failed" && status === "True")
      ?.lastTransitionTime;
  return text === undefined ? undefined : new Date(text);
}
