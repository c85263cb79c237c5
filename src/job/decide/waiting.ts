// Decides about a Job whose flow has not started: how long to wait, when to warn in the run's log, when to fail the run.

import { currentObstacle, type Obstacle, type Patience, type Problem } from "../observe/problem.ts";
import { flowStarted, hasFailed } from "../observe/pod-termination.ts";
import { onFailed } from "./failed.ts";
import { logEntry, msSince, observedSince, type JobContext } from "./job-context.ts";
import type { FirstObserved, JobDecision, RunLogEntry } from "./types.ts";

/** How long the kubelet may try again before the grace counts: a large image takes its time. */
const MAX_RETRY_MS = 1_800_000;

/** Something is in the way of the flow. */
export function onWaiting(context: JobContext, problem: Obstacle): JobDecision {
  const { policy, firstObserved: earlier } = context.input;
  const current = currentObstacle(problem, context.input.now);
  if (current !== problem) return current ? onWaiting(context, current) : onStarting(context, undefined);
  // The kubelet does not repeat the cause: it is what it was.
  const last = earlier.has(observedSince(context, "start").key) ? "start" : "passing";
  const patience = problem.patience ?? last;
  const firstObserved = observedSince(context, patience === "pending" ? problem.reason : patience);
  const waitedMs = msSince(context, firstObserved.since);
  const graces: Readonly<Record<Patience, number>> = {
    none: 0,
    start: policy.startGraceMs,
    passing: policy.passingGraceMs,
    pending: Infinity,
  };
  const { retriedSince: retried } = problem;
  const retryLeftMs = retried === undefined ? -Infinity : MAX_RETRY_MS - msSince(context, retried);
  const graceLeftMs = Math.max(graces[patience] - waitedMs, retryLeftMs);
  const startLeftMs = startLeft(context);
  const isStuck = patience === "none" || patience === "start";
  const status = isStuck ? "stuck" : "pending";
  if (Math.min(graceLeftMs, startLeftMs) <= 0)
    return { ...onFailed(context, problem, firstObserved.since), status, firstObserved };
  const warnLeftMs = isStuck && retried === undefined ? Infinity : policy.pendingWarnMs - waitedMs;
  const isWarned = warnLeftMs <= 0;
  return {
    status,
    reason: problem.message,
    logs: isWarned ? [waitingEntry(context, problem)] : [],
    heartbeat: true,
    requeueAfterMs: Math.min(graceLeftMs, startLeftMs, isWarned ? Infinity : warnLeftMs),
    firstObserved,
  };
}

/** Nothing is in the way of the flow, as far as is known. */
export function onStarting(context: JobContext, firstObserved: FirstObserved | undefined): JobDecision {
  const leftMs = startLeft(context);
  if (leftMs <= 0) {
    const { name } = context.observed.job.metadata;
    const [pod] = context.observed.pods;
    const which = pod === undefined ? `Job '${name}'` : `pod '${pod.metadata.name}'`;
    const message = `the flow's container in ${which} has not started within --pending-timeout`;
    const problem: Problem = { reason: "NotStarted", message, pod: pod?.metadata.name };
    return { ...onFailed(context, problem, undefined), status: "pending" };
  }
  return { status: "active", reason: "starting", heartbeat: true, requeueAfterMs: leftMs, firstObserved };
}

/** Milliseconds until --pending-timeout, counted from the Job's creation, or from its last resume, to the flow's first start. */
function startLeft(context: JobContext): number {
  const { policy, run } = context.input;
  const { job, pods, deletedPods } = context.observed;
  const seen = [...pods, ...deletedPods];
  // Pods from before this process started are only counted, and not even that where a policy ignores disruptions. Else the run's
  // state tells nothing: a Running one may wait with a new Job for a task's retry.
  const mayBeUncounted = job.spec.podFailurePolicy !== undefined;
  const hasStarted =
    seen.some((pod) => flowStarted(pod)) ||
    // Another controller may run its pods in another cluster (Kueue's MultiKueue).
    (job.status.ready ?? 0) > 0 ||
    (job.status.failed ?? 0) > seen.filter((pod) => hasFailed(pod, job)).length ||
    (mayBeUncounted && run.state?.type === "running");
  if (policy.pendingTimeoutMs === undefined || hasStarted) return Infinity;
  const since = new Date(job.status.startTime ?? job.metadata.creationTimestamp);
  return policy.pendingTimeoutMs - msSince(context, since);
}

/** The key leaves out the details: messages of the scheduler and of quotas contain numbers that change. */
function waitingEntry(context: JobContext, { message }: Problem): RunLogEntry {
  const { name } = context.observed.job.metadata;
  const [head = ""] = message.split(/: | \(/);
  const start = `Job ${name} is waiting: `;
  return logEntry("WARNING", start + message, start + head);
}
