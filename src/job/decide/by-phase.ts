// What is decided about one Job by its phase, while its flow run exists, is not over and is not being cancelled.

import type { FailedPhase, JobPhase } from "../observe/phase.ts";
import type { Problem } from "../observe/problem.ts";
import { onDisrupted, onFailed, deleteAfter } from "./failed.ts";
import { isRunActive, logEntry, msSince, observedSince } from "./job-context.ts";
import type { JobContext } from "./job-context.ts";
import type { FirstObserved, JobDecision, RunLogEntry } from "./types.ts";

/** How long a failed Job waits for the watch that tells of its pod's end. */
const EXPLAINED_WITHIN_MS = 2_000;

/** What is decided about the Job by its phase alone. */
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
      return onStuck(context, phase.problem, phase.atOnce);
    case "sidecarRunning":
      return onSidecarRunning(context, phase.endedAt);
    case "succeeded":
      return onSucceeded(context, phase.endedAt);
    case "failed":
      return awaitExplanation(context, phase) ?? onFailed(context, phase.problem, phase.endedAt);
    case "disrupted":
      return onDisrupted(context, phase.problem, phase.endedAt);
    case "deleted":
      return onFailed(context, phase.problem, undefined);
  }
}

/** Jobs and pods come by watches of their own; the pod's, which knows why the Job failed, may be behind the Job's. */
function awaitExplanation(
  context: JobContext,
  { isUnexplained, endedAt, problem }: FailedPhase,
): JobDecision | undefined {
  if (isUnexplained !== true) return undefined;
  const firstObserved = observedSince(context, "ended", endedAt);
  const leftMs = EXPLAINED_WITHIN_MS - msSince(context, firstObserved.since);
  return leftMs > 0
    ? { status: "failed", reason: problem.message, requeueAfterMs: leftMs, firstObserved }
    : undefined;
}

function onLive(context: JobContext, phase: JobPhase & { readonly kind: "live" }): JobDecision {
  const reason = phase.started ? "running" : "starting";
  const firstObserved = stillCrashing(context, phase.restartedAt);
  return { status: "active", reason, heartbeat: !phase.started, firstObserved };
}

/** A container that crashes again and again runs in between: its grace does not begin anew each time. */
function stillCrashing(context: JobContext, restartedAt: Date | undefined): FirstObserved | undefined {
  const { firstObserved, policy } = context.input;
  const seen = observedSince(context, "stuck");
  if (restartedAt === undefined || !firstObserved.has(seen.key)) return undefined;
  return msSince(context, restartedAt) < policy.startGraceMs ? seen : undefined;
}

function onPending(context: JobContext, problem: Problem): JobDecision {
  const { pendingTimeoutMs, pendingWarnMs } = context.input.policy;
  const firstObserved = observedSince(context, problem.reason);
  const waitedMs = msSince(context, firstObserved.since);
  if (pendingTimeoutMs !== undefined && waitedMs >= pendingTimeoutMs)
    return { ...onFailed(context, problem, firstObserved.since), firstObserved };
  const { name } = context.observed.job.metadata;
  // Once for each thing that it waits for; what follows the colon is the scheduler's or the quota's, with numbers that change.
  const [head = ""] = problem.message.split(": ");
  const line = { message: `Job ${name} waits: ${problem.message}`, key: `Job ${name} waits: ${head}` };
  const ahead = [pendingWarnMs, pendingTimeoutMs ?? 0].filter((ms) => ms > waitedMs);
  return {
    status: "pending",
    reason: problem.message,
    logs: waitedMs >= pendingWarnMs ? [logEntry(context, "WARNING", line)] : [],
    heartbeat: true,
    requeueAfterMs: ahead.length === 0 ? undefined : Math.min(...ahead) - waitedMs,
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
  const reason = "the flow's container has ended, another container keeps the pod running";
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

/** Exit code 0 says only that the process ended well; a run that is not over then waits for Prefect's own services. */
function exitWarning(context: JobContext): RunLogEntry[] {
  const { run } = context.input;
  if (run.kind !== "known" || !isRunActive(context)) return [];
  if (context.hasOtherLiveJob || context.stateBelongsTo !== "this") return [];
  const { type, name } = run.state;
  const head = `Job ${context.observed.job.metadata.name} completed with exit code 0`;
  const question = type === "pending" ? " Does its container run 'prefect execute flow-run'?" : "";
  const message = `${head}, but the flow run is still ${name}.${question} Prefect's own services will look after the run.`;
  return [logEntry(context, "WARNING", { message, key: head })];
}
