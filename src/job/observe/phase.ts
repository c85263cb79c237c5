// JobPhase: how one Job stands, read from its conditions, its pods and their events. Pure; `now` is not needed,
// graces are the decision's business. Kubernetes 1.20 and current ones name things differently; both are read.

import type { Job, Pod } from "../../kube/client/objects.ts";
import type { ObservedJob } from "./observed.ts";
import { eventsOf, flowContainerName, hasCondition } from "./observed.ts";
import { disruptionProblem } from "./disruption.ts";
import {
  crashedBefore,
  endedWell,
  isCrashing,
  flowStatus,
  isDead,
  podEnd,
  podEndProblem,
  specOf,
  wasKilled,
} from "./pod-termination.ts";
import type { Problem } from "./problem.ts";
import { crashProblem, createProblem, oneLine, startProblem, waitingProblem } from "./problem.ts";

export type JobPhase =
  /** In good order; `started`: the flow's container runs or ran; `restartedAt`: it, or another, had crashed before. */
  | { readonly kind: "live"; readonly started: boolean; readonly restartedAt?: Date | undefined }
  /** Waits for something that may well come: a node, a quota, a volume. */
  | { readonly kind: "pending"; readonly problem: Problem }
  /** Will not start unless somebody mends something. */
  | { readonly kind: "stuck"; readonly problem: Problem; readonly atOnce: boolean }
  /** The flow's container exited with 0, but another one keeps the pod. */
  | { readonly kind: "sidecarRunning"; readonly endedAt: Date | undefined }
  | { readonly kind: "succeeded"; readonly endedAt: Date | undefined }
  | FailedPhase
  /** Lost to the cluster's own doings, not to its program's. */
  | { readonly kind: "disrupted"; readonly problem: Problem; readonly endedAt: Date | undefined }
  /** Deleted, or being deleted, before it was over. */
  | { readonly kind: "deleted"; readonly problem: Problem }
  | { readonly kind: "suspended" };

/** `isGuess`: no pod is seen to have ended or to go; why it failed may be on its way to us. */
export interface FailedPhase {
  readonly kind: "failed";
  readonly problem: Problem;
  readonly endedAt: Date | undefined;
  readonly isUnexplained?: boolean;
}

const AT_ONCE = new Set(["InvalidImageName", "Admission"]);
const PENDING = new Set(["Unschedulable", "Quota", "Volume", "NoPod"]);
/** What Kubernetes takes where a Job does not say. */
const BACKOFF_LIMIT = 6;

/** Whether the Job is over, for better or worse, by its own conditions. */
export function isOver(job: Job): boolean {
  return hasCondition(job.status, "Complete") || hasCondition(job.status, "Failed");
}

/** Whether the run is still in good hands with this Job. */
export function isLive(phase: JobPhase): boolean {
  return phase.kind === "live" || phase.kind === "pending" || phase.kind === "suspended";
}

/** How the Job stands. */
export function jobPhase(print: ObservedJob): JobPhase {
  const { job } = print;
  if (hasCondition(job.status, "Complete") || hasCondition(job.status, "SuccessCriteriaMet")) {
    return { kind: "succeeded", endedAt: endOf(job) };
  }
  if (hasCondition(job.status, "Failed") || hasCondition(job.status, "FailureTarget"))
    return failedPhase(print);
  const isGoing = print.gone || job.metadata.deletionTimestamp !== undefined;
  const all = [...print.pods, ...print.deletedPods];
  const done = all.find((pod) => pod.status.phase === "Succeeded" || (isGoing && endedWell(pod)));
  if (done !== undefined && wanted(job) === 1) return { kind: "succeeded", endedAt: podEnd(done) };
  const dead = all.filter((pod) => isDead(pod));
  if (isGoing) return dead.some((pod) => !wasKilled(pod)) ? failedPhase(print) : deletedPhase(print);
  const living = print.pods.filter((pod) => !dead.includes(pod));
  if (living.length === 0 && dead.length > 0 && !makesAnother(job, dead.length)) return failedPhase(print);
  if (hasCondition(job.status, "Suspended") || job.spec.suspend === true) return { kind: "suspended" };
  return bestOf(living, print);
}

/** The pods that stay count before those that are being deleted, good ones before bad ones. */
function bestOf(living: readonly Pod[], print: ObservedJob): JobPhase {
  const staying = living.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const phases = (staying.length > 0 ? staying : living).map((pod) => livingPhase(pod, print));
  return (
    phases.find(({ kind }) => kind === "live" || kind === "sidecarRunning") ?? phases[0] ?? noPods(print)
  );
}

function wanted(job: Job): number {
  return job.spec.completions ?? job.spec.parallelism ?? 1;
}

/** Whether Kubernetes itself makes another pod: only a template sets a backoffLimit above 0. */
function makesAnother(job: Job, dead: number): boolean {
  const failures = Math.max(job.status.failed ?? 0, dead);
  return failures <= (job.spec.backoffLimit ?? BACKOFF_LIMIT);
}

function failedPhase(print: ObservedJob): JobPhase {
  const { job } = print;
  const failed = (job.status.conditions ?? []).find(
    ({ type, status }) => status === "True" && (type === "Failed" || type === "FailureTarget"),
  );
  const all = [...print.pods, ...print.deletedPods];
  const endedAt = endOf(job) ?? podEnd(all.find((pod) => isDead(pod)));
  if (failed?.reason === "DeadlineExceeded")
    return { kind: "failed", problem: deadlineProblem(job, all[0]), endedAt };
  // The newest pod tells how it ended; older ones were Kubernetes' earlier tries.
  const newestFirst = all.toSorted((a, b) => madeAt(b) - madeAt(a));
  for (const pod of newestFirst) {
    const disruption = disruptionProblem(pod);
    if (disruption !== undefined) return { kind: "disrupted", problem: disruption, endedAt };
    const end = wasKilled(pod) ? undefined : podEndProblem(pod);
    if (end !== undefined) return { kind: "failed", problem: end, endedAt };
  }
  const deleted =
    print.deletedPods[0] ?? print.pods.find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const problem = unexplained(print, deleted, failed?.message);
  return { kind: "failed", problem, endedAt, isUnexplained: deleted === undefined };
}

function madeAt({ metadata }: Pod): number {
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

/** No pod tells of an end of its own: somebody deleted it, or nobody says anything. */
function unexplained(print: ObservedJob, deleted: Pod | undefined, message: string | undefined): Problem {
  const name = print.job.metadata.name;
  if (deleted !== undefined || print.pods.length === 0) {
    const which = deleted === undefined ? `the pod of Job '${name}'` : `pod '${deleted.metadata.name}'`;
    return {
      reason: "PodDeleted",
      message: `${which} was deleted before it was done`,
      hint: "start the flow run again",
      pod: deleted?.metadata.name,
      container: deleted === undefined ? undefined : flowContainerName(deleted),
    };
  }
  const words = message === undefined || message === "" ? "no reason given" : oneLine(message);
  return { reason: "Unknown", message: `Job '${name}' failed (${words})` };
}

function deletedPhase(print: ObservedJob): JobPhase {
  const name = print.job.metadata.name;
  const summary = `Job '${name}' was deleted before it was done`;
  return {
    kind: "deleted",
    problem: { reason: "JobDeleted", message: summary, hint: "start the flow run again" },
  };
}

function livingPhase(pod: Pod, print: ObservedJob): JobPhase {
  if (endedWell(pod)) return { kind: "sidecarRunning", endedAt: podEnd(pod) };
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  for (const status of statuses) {
    const spec = specOf(pod, status);
    const problem = isCrashing(pod, status)
      ? crashProblem(status, spec, pod)
      : waitingProblem(status, spec, pod);
    if (problem !== undefined) return stuck(problem);
  }
  const started = flowStatus(pod)?.state?.running !== undefined;
  if (started || pod.status.phase !== "Pending")
    return { kind: "live", started, restartedAt: crashedBefore(pod) };
  const problem = startProblem(pod, eventsOf(print, pod.metadata.uid));
  return problem === undefined
    ? { kind: "live", started: false, restartedAt: crashedBefore(pod) }
    : stuck(problem);
}

function noPods(print: ObservedJob): JobPhase {
  const { name, uid } = print.job.metadata;
  return stuck(
    createProblem(eventsOf(print, uid)) ?? { reason: "NoPod", message: `Job '${name}' has no pod yet` },
  );
}

function stuck(problem: Problem): JobPhase {
  if (PENDING.has(problem.reason)) return { kind: "pending", problem };
  return { kind: "stuck", problem, atOnce: AT_ONCE.has(problem.reason) };
}

function endOf(job: Job): Date | undefined {
  const text =
    job.status.completionTime ??
    (job.status.conditions ?? []).find(({ type, status }) => type === "Failed" && status === "True")
      ?.lastTransitionTime;
  return text === undefined ? undefined : new Date(text);
}
