// Decides about one Job by its phase, while its flow run exists, is not over and is not being cancelled.

import type { FailedPhase, JobPhase } from "../observe/phase.ts";
import type { Problem } from "../observe/problem.ts";
import { onDisrupted, onFailed, deleteAfter } from "./failed.ts";
import { isRunActive, logEntry, msSince, observedSince } from "./job-context.ts";
import type { JobContext } from "./job-context.ts";
import type { FirstObserved, JobDecision, RunLogEntry } from "./types.ts";

/** How long to wait for the pod's termination after its Job failed. */
const POD_TERMINATION_WAIT_MS = 2_000;

/** Decides about the Job by its phase. */
export function decideByPhase(context: JobContext): JobDecision {
  const { phase } = context;
  switch (phase.kind) {
    case "live":
      return onLive(context, phase);
    case "suspended":
      return { status: "active", reason: "suspended", heartbeat: true };
    case "pending":
      return onPending(context, phase.problem);
    case "stuck":
      return onStuck(context, phase.problem, phase.isPermanent);
    case "sidecarRunning":
      return onSidecarRunning(context, phase.endedAt);
    case "succeeded":
      return onSucceeded(context, phase.endedAt);
    case "failed":
      return waitForPodTermination(context, phase) ?? onFailed(context, phase.problem, phase.endedAt);
    case "disrupted":
      return onDisrupted(context, phase.problem, phase.endedAt);
    case "deleted":
      return onFailed(context, phase.problem, undefined);
  }
}

/** Jobs and pods have separate watches: the pod, which shows why the Job failed, may arrive later than the Job. */
function waitForPodTermination(
  context: JobContext,
  { isCauseUnknown, endedAt, problem }: FailedPhase,
): JobDecision | undefined {
  if (isCauseUnknown !== true) return undefined;
  const firstObserved = observedSince(context, "ended", endedAt);
  const leftMs = POD_TERMINATION_WAIT_MS - msSince(context, firstObserved.since);
  return leftMs > 0
    ? { status: "failed", reason: problem.message, requeueAfterMs: leftMs, firstObserved }
    : undefined;
}

function onLive(context: JobContext, phase: JobPhase & { readonly kind: "live" }): JobDecision {
  const reason = phase.started ? "running" : "starting";
  const firstObserved = stillCrashing(context, phase.restartedAt);
  return { status: "active", reason, heartbeat: !phase.started, firstObserved };
}

/** A container in a crash loop runs briefly between crashes; its grace must not restart each time. */
function stillCrashing(context: JobContext, restartedAt: Date | undefined): FirstObserved | undefined {
  const { firstObserved, policy } = context.input;
  const stuckSince = observedSince(context, "stuck");
  if (restartedAt === undefined || !firstObserved.has(stuckSince.key)) return undefined;
  return msSince(context, restartedAt) < policy.startGraceMs ? stuckSince : undefined;
}

function onPending(context: JobContext, problem: Problem): JobDecision {
  const { pendingTimeoutMs, pendingWarnMs } = context.input.policy;
  const firstObserved = observedSince(context, problem.reason);
  const waitedMs = msSince(context, firstObserved.since);
  if (pendingTimeoutMs !== undefined && waitedMs >= pendingTimeoutMs)
    return { ...onFailed(context, problem, firstObserved.since), firstObserved };
  const { name } = context.observed.job.metadata;
  // The key leaves out what follows the colon: messages of the scheduler and of quotas contain numbers that change.
  const [head = ""] = problem.message.split(": ");
  const line = {
    message: `Job ${name} is waiting: ${problem.message}`,
    key: `Job ${name} is waiting: ${head}`,
  };
  const deadlines = [pendingWarnMs, pendingTimeoutMs ?? 0].filter((ms) => ms > waitedMs);
  return {
    status: "pending",
    reason: problem.message,
    logs: waitedMs >= pendingWarnMs ? [logEntry(context, "WARNING", line)] : [],
    heartbeat: true,
    requeueAfterMs: deadlines.length === 0 ? undefined : Math.min(...deadlines) - waitedMs,
    firstObserved,
  };
}

function onStuck(context: JobContext, problem: Problem, atOnce: boolean): JobDecision {
  const firstObserved = observedSince(context, "stuck");
  const graceMs = atOnce ? 0 : context.input.policy.startGraceMs;
  const leftMs = graceMs - msSince(context, firstObserved.since);
  if (leftMs <= 0)
    return { ...onFailed(context, problem, firstObserved.since), status: "stuck", firstObserved };
  return { status: "stuck", reason: problem.message, heartbeat: true, requeueAfterMs: leftMs, firstObserved };
}

function onSidecarRunning(context: JobContext, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(context, "sidecarRunning", endedAt);
  const leftMs = context.input.policy.sidecarGraceMs - msSince(context, firstObserved.since);
  const reason = "the flow's container has terminated, but another container is still running";
  if (leftMs > 0) return { status: "active", reason, requeueAfterMs: leftMs, firstObserved };
  const deletion = { inMs: 0, reason };
  return { status: "finished", reason, logs: exitWarning(context), deletion, firstObserved };
}

function onSucceeded(context: JobContext, endedAt: Date | undefined): JobDecision {
  const { exitGraceMs, deleteSucceededAfterMs: afterMs } = context.input.policy;
  const firstObserved = observedSince(context, "exited");
  const reason = "its Job completed";
  const leftMs = isRunActive(context) ? exitGraceMs - msSince(context, firstObserved.since) : 0;
  if (leftMs > 0) return { status: "finished", reason, requeueAfterMs: leftMs, firstObserved };
  const deletion = deleteAfter(context, { afterMs, endedAt: endedAt ?? firstObserved.since, reason });
  return { status: "finished", reason, logs: exitWarning(context), deletion, firstObserved };
}

/** Warns that the process exited with 0 but the run is not over. */
function exitWarning(context: JobContext): RunLogEntry[] {
  const { run } = context.input;
  if (run.kind !== "known" || !isRunActive(context)) return [];
  if (context.hasOtherLiveJob || context.stateBelongsTo !== "this") return [];
  const { type, name } = run.state;
  const head = `Job ${context.observed.job.metadata.name} completed with exit code 0`;
  const question = type === "pending" ? " Does its container run 'prefect execute flow-run'?" : "";
  const message = `${head}, but the flow run is still ${name}.${question} Prefect's own services will reschedule or fail the run.`;
  return [logEntry(context, "WARNING", { message, key: head })];
}
