// The phase of one Job, from its conditions, its pods and their events. Pure. Kubernetes 1.20 and current versions use
// different conditions; both are supported.

import { lastSeenAt, type Job, type Pod } from "../../kube/client/objects.ts";
import { disruptionProblem, lossOf, type Loss } from "./disruption.ts";
import { containerStatuses, flowContainerName, flowStatus } from "./flow-container.ts";
import { isOriginals } from "../owner.ts";
import { deadlineProblem, givenUpProblem } from "./job-limits.ts";
import { createsAnotherPod, restartsContainer } from "./kubernetes-retries.ts";
import {
  conditionOf,
  createdMs,
  eventsOf,
  hasCondition,
  isDeleted,
  isOrphan,
  type ObservedJob,
} from "./observed.ts";
import { eventObstacle, podObstacle } from "./pod-obstacles.ts";
import {
  flowStarted,
  flowSucceeded,
  hasEnded,
  hasFailed,
  podTerminatedAt,
  podTerminationProblem,
  restartedAfterCrashAt,
  wasKilledByDeletion,
  wasStopped,
} from "./pod-termination.ts";
import { currentObstacle, oneLine, type Obstacle, type Problem } from "./problem.ts";
import { isBeforeResume } from "./resumed.ts";
import { waitingProblem } from "./waiting-reasons.ts";

export type JobPhase =
  | LivePhase
  /** Something keeps the flow from starting. */
  | { readonly kind: "waiting"; readonly problem: Obstacle }
  /** Its only pod is being deleted, or is on a node that does not answer; later it counts as lost. */
  | { readonly kind: "terminating" | "unreachable"; readonly loss: Loss }
  /** The flow failed, and Kubernetes will start it again; `keptSince`: when it ended in a pod that still runs. */
  | { readonly kind: "retried"; readonly problem: Problem; readonly keptSince?: Date | undefined }
  /** The flow's container exited with 0, but another container of the pod is still running. */
  | { readonly kind: "sidecarRunning"; readonly endedAt: Date | undefined }
  | { readonly kind: "succeeded"; readonly endedAt: Date | undefined }
  | FailedPhase
  /** The cluster stopped the pod: eviction, drain, preemption or a lost node. */
  | { readonly kind: "disrupted"; readonly problem: Problem; readonly endedAt: Date | undefined }
  /** Deleted, or being deleted, before it finished. */
  | { readonly kind: "deleted"; readonly problem: Problem }
  | { readonly kind: "suspended" };

/** Starting or running. */
export interface LivePhase {
  readonly kind: "live";
  /** The flow's container runs or ran. */
  readonly started: boolean;
  /** A container restarted after a crash. */
  readonly restartedAt?: Date | undefined;
  /** The flow has failed, and the kubelet is to start its container again. */
  readonly awaitsRestart?: boolean;
  /** Troubles of containers beside the flow's, which runs. */
  readonly beside?: readonly Problem[];
  /** The pod that works on although its Job was deleted. */
  readonly orphan?: string;
}

export interface FailedPhase {
  readonly kind: "failed";
  readonly problem: Problem;
  readonly endedAt: Date | undefined;
  /** What may still tell more: a pod of which no termination is seen yet, or the Job's condition, which names a rule. */
  readonly awaits?: "pod" | "condition" | undefined;
}

/** Whether the Job's conditions say that it has completed or failed. */
export function isJobFinished(job: Job): boolean {
  return hasCondition(job.status, "Complete", "Failed");
}

/** Whether the Job has neither finished nor is being deleted. */
export function isOngoing(job: Job): boolean {
  return !isJobFinished(job) && job.metadata.deletionTimestamp === undefined;
}

const JOB_CONTROLLER = "kubernetes.io/job-controller";

/** Phases that may last, beside `waiting`. */
const LIVE = new Set<JobPhase["kind"]>(["live", "suspended", "retried", "terminating", "unreachable"]);

/** Whether the Job works on its run or can still start to. A pod that counts as lost by now does not. */
export function isLive(phase: JobPhase, now: Date): boolean {
  if ((phase.kind === "terminating" || phase.kind === "unreachable") && phase.loss.lostAt !== undefined)
    return phase.loss.lostAt > now;
  if (phase.kind !== "waiting") return LIVE.has(phase.kind);
  const problem = currentObstacle(phase.problem, now);
  return problem === undefined || !isStuck(problem);
}

function isStuck({ patience, retriedSince }: Obstacle): boolean {
  return retriedSince === undefined && (patience === "none" || patience === "start");
}

/** Whether the phase may still change by itself, also that of a flow that is stuck. */
export function isUnfinished({ kind }: JobPhase): boolean {
  return kind === "waiting" || LIVE.has(kind);
}

/** The phase in one word, for people: a flow that cannot start is stuck, one that will is pending. */
export function phaseName(phase: JobPhase): string {
  if (phase.kind !== "waiting") return phase.kind;
  return isStuck(phase.problem) ? "stuck" : "pending";
}

export function jobPhase(observed: ObservedJob): JobPhase {
  const { job } = observed;
  if (hasCondition(job.status, "Complete", "SuccessCriteriaMet"))
    return { kind: "succeeded", endedAt: finishedAt(job) };
  const isFailed = hasCondition(job.status, "Failed", "FailureTarget");
  const { completions, parallelism } = job.spec;
  const succeeded = (completions ?? parallelism ?? 1) === 1 ? succeededPod(observed) : undefined;
  if (succeeded !== undefined) {
    const isOver = isFailed || isDeleted(observed) || hasEnded(succeeded);
    return {
      kind: isOver ? "succeeded" : "sidecarRunning",
      endedAt: podTerminatedAt(succeeded) ?? finishedAt(job),
    };
  }
  if (isFailed) return failedPhase(observed);
  if (isDeleted(observed)) return deletedPhase(observed);
  if (hasCondition(job.status, "Suspended") || job.spec.suspend === true) return { kind: "suspended" };
  return phaseOfPods(observed);
}

/**
 * The pod in which the flow exited with 0. The flow's own exit decides, whatever its sidecars and the Job's counters say; but a
 * flow that was stopped may exit with 0, too, and the Job controller does not count that as success.
 */
function succeededPod(observed: ObservedJob): Pod | undefined {
  const [newest, ...older] = newestFirst(observed).filter((pod) => !wasStopped(pod));
  if (newest !== undefined && flowSucceeded(newest)) return newest;
  return [newest, ...older].find((pod) => pod?.status.phase === "Succeeded");
}

function phaseOfPods(observed: ObservedJob): JobPhase {
  const { job } = observed;
  // A pod that somebody deleted is replaced, or its Job will say that it failed.
  const failed = newestFirst(observed)
    .filter((pod) => hasFailed(pod, job) && !isBeforeResume(pod, job))
    .filter((pod) => !wasKilledByDeletion(pod) || disruptionProblem(pod) !== undefined)
    .toReversed();
  const live = observed.pods.filter((pod) => !failed.includes(pod) && !hasEnded(pod));
  const isRetried = createsAnotherPod(job, failed);
  // Kubernetes may have started the flow again although nobody asked for it: the first failure counts.
  if (failed.length > 0 && !isRetried && (live.length === 0 || isOriginals(job.metadata)))
    return failedPhase(observed);
  if (live.length > 0 || failed.length === 0) return phaseOfLivePods(live, observed);
  const kept = observed.pods.filter((pod) => failed.includes(pod) && !hasEnded(pod)).at(-1);
  if (kept !== undefined) {
    const problem = disruptionProblem(kept) ?? podTerminationProblem(kept);
    const keptSince = podTerminatedAt(kept);
    if (problem !== undefined) return { kind: "retried", problem, keptSince };
  }
  return noPods(observed);
}

/** Pods that may be lost count only if there are no others; one live pod makes the Job live. */
function phaseOfLivePods(live: readonly Pod[], observed: ObservedJob): JobPhase {
  const working = live.filter((pod) => lossOf(pod, observed) === undefined);
  const [first] = live;
  const loss = first && lossOf(first, observed);
  if (working.length === 0 && loss !== undefined) {
    const isDeleted = first?.metadata.deletionTimestamp !== undefined;
    return { kind: isDeleted ? "terminating" : "unreachable", loss };
  }
  const phases = working.map((pod) => livePodPhase(pod, observed));
  return phases.find(({ kind }) => kind === "live") ?? phases[0] ?? noPods(observed);
}

function livePodPhase(pod: Pod, observed: ObservedJob): JobPhase {
  const { job } = observed;
  const restartedAt = restartedAfterCrashAt(pod);
  const events = eventsOf(observed, pod.metadata.uid);
  const inContainers = containerStatuses(pod).flatMap((status) => waitingProblem(pod, status, events) ?? []);
  if (flowStarted(pod)) {
    const flow = flowStatus(pod);
    const beside = inContainers.filter(
      ({ container, reason }) => container !== flow?.name && reason !== "NotStarted",
    );
    const awaitsRestart = flow?.state?.running === undefined;
    return { kind: "live", started: true, restartedAt, awaitsRestart, beside };
  }
  // A template that wants retries wants them for its init containers, too.
  const obstacles = inContainers.map((problem) =>
    problem.reason === "CrashLoop" && restartsContainer(job, pod)
      ? { ...problem, patience: "pending" as const }
      : problem,
  );
  const [problem = pod.status.phase === "Pending" ? podObstacle(pod, events) : undefined] =
    obstacles.toSorted((a, b) => urgency(a) - urgency(b));
  return problem === undefined ? { kind: "live", started: false, restartedAt } : { kind: "waiting", problem };
}

/** What runs out first counts. */
function urgency({ patience }: Obstacle): number {
  return ["none", "start", undefined, "passing", "pending"].indexOf(patience);
}

function noPods(observed: ObservedJob): JobPhase {
  if (hasPodsElsewhere(observed.job) && (observed.job.status.ready ?? 0) > 0)
    return { kind: "live", started: true };
  const { name, uid } = observed.job.metadata;
  const message = `Job '${name}' has no pod yet`;
  // What was in the way of a pod that came is over; the event that tells it stays for an hour.
  const [newest] = newestFirst(observed);
  const since = newest === undefined ? 0 : createdMs(newest);
  const events = eventsOf(observed, uid).filter((event) => (lastSeenAt(event)?.getTime() ?? 0) >= since);
  const problem = eventObstacle(events) ?? { reason: "NoPod", message, patience: "pending" };
  return { kind: "waiting", problem };
}

function deletedPhase(observed: ObservedJob): JobPhase {
  const { job, pods, deletedPods } = observed;
  const orphans = pods.filter((pod) => isOrphan(pod, observed) && !hasEnded(pod) && !hasFailed(pod, job));
  const [orphan] = orphans;
  if (orphan !== undefined) {
    const phase = phaseOfLivePods(orphans, observed);
    return phase.kind === "live" ? { ...phase, orphan: orphan.metadata.name } : phase;
  }
  const failed = [...pods, ...deletedPods].filter((pod) => hasFailed(pod, job));
  if (failed.some((pod) => !wasKilledByDeletion(pod))) return failedPhase(observed);
  const message = `Job '${job.metadata.name}' was deleted before it finished`;
  return { kind: "deleted", problem: { reason: "JobDeleted", message, hint: "restart the flow run" } };
}

function failedPhase(observed: ObservedJob): JobPhase {
  const { job } = observed;
  const condition = conditionOf(job.status, "Failed", "FailureTarget");
  // The newest pod shows why the Job failed; older ones are earlier attempts.
  const pods = newestFirst(observed);
  const ended = pods.find((pod) => hasFailed(pod, job));
  const endedAt = finishedAt(job) ?? podTerminatedAt(ended);
  if (condition?.reason === "DeadlineExceeded")
    return { kind: "failed", problem: deadlineProblem(job, pods[0]), endedAt };
  for (const pod of pods) {
    const disruption = disruptionProblem(pod);
    if (disruption !== undefined) return { kind: "disrupted", problem: disruption, endedAt };
    const termination = wasKilledByDeletion(pod) ? undefined : podTerminationProblem(pod);
    if (termination === undefined) continue;
    const hasPolicy = job.spec.podFailurePolicy !== undefined;
    const rule = condition?.reason === "PodFailurePolicy" ? ` (${oneLine(condition.message ?? "")})` : "";
    const problem = { ...termination, message: termination.message + rule };
    const awaits = hasPolicy && condition === undefined && !isDeleted(observed) ? "condition" : undefined;
    return { kind: "failed", problem, endedAt, awaits };
  }
  const deleted =
    observed.deletedPods[0] ?? observed.pods.find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const problem =
    givenUpProblem(observed, condition?.reason) ??
    problemWithoutTermination(observed, deleted, condition?.message);
  return { kind: "failed", problem, endedAt, awaits: deleted === undefined ? "pod" : undefined };
}

function newestFirst({ pods, deletedPods }: ObservedJob): readonly Pod[] {
  return [...pods, ...deletedPods].toSorted((a, b) => createdMs(b) - createdMs(a));
}

/** Whether another controller runs it, as Kueue's MultiKueue does in another cluster. */
function hasPodsElsewhere({ spec: { managedBy = JOB_CONTROLLER } }: Job): boolean {
  return managedBy !== JOB_CONTROLLER;
}

/** No pod is seen to have failed by itself: it was deleted, or the cause is unknown. */
function problemWithoutTermination(
  observed: ObservedJob,
  deleted: Pod | undefined,
  message: string | undefined,
): Problem {
  const { name } = observed.job.metadata;
  if (deleted === undefined) {
    // Somebody may have cleared away a pod that had failed by itself.
    const isGone = observed.pods.length === 0 && !hasPodsElsewhere(observed.job);
    const rest = isGone ? "; its pod is gone, and how it ended is not known" : "";
    const text = `Job '${name}' failed (${oneLine(message || "no reason given")})${rest}`;
    return { reason: "Unknown", message: text };
  }
  return {
    reason: "PodDeleted",
    message: `pod '${deleted.metadata.name}' was deleted before it finished`,
    hint: "restart the flow run",
    pod: deleted.metadata.name,
    container: flowContainerName(deleted),
  };
}

/** When a finished Job finished. */
export function finishedAt({ status }: Job): Date | undefined {
  const text = status.completionTime ?? conditionOf(status, "Complete", "Failed")?.lastTransitionTime;
  return text === undefined ? undefined : new Date(text);
}
