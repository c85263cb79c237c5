// Decides about one Job by its phase, while its flow run exists, is not over and is not being cancelled.

import type { Job } from "../../kube/client/objects.ts";
import type { Loss } from "../observe/disruption.ts";
import type { FailedPhase, LivePhase } from "../observe/phase.ts";
import type { Problem } from "../observe/problem.ts";
import { deleteAfter, lostInMs, onDisrupted, onFailed } from "./failed.ts";
import { isRunActive, logEntry, msSince, observedSince, type JobContext } from "./job-context.ts";
import type { FirstObserved, JobDecision, RunLogEntry } from "./types.ts";
import { onStarting, onWaiting } from "./waiting.ts";

/** How long to wait, after a Job failed, for what may tell more. */
const AWAIT_MS = { pod: 2_000, condition: 10_000 };

export function decideByPhase(context: JobContext): JobDecision {
  const { phase } = context;
  switch (phase.kind) {
    case "live":
      return onLive(context, phase);
    case "suspended":
      return onSuspended(context);
    case "waiting":
      return onWaiting(context, phase.problem);
    case "terminating":
      return onLosing(context, phase.loss, "its pod is being deleted");
    case "unreachable":
      return onLosing(context, phase.loss, "its pod's node does not answer");
    case "retried":
      return onRetried(context, phase.problem, phase.keptSince);
    case "sidecarRunning":
      return onSidecarRunning(context, phase.endedAt);
    case "succeeded":
      return onSucceeded(context, phase.endedAt);
    case "failed":
      return waitForMore(context, phase) ?? onFailed(context, phase.problem, phase.endedAt);
    case "disrupted":
      return onDisrupted(context, phase.problem, phase.endedAt);
    case "deleted":
      return onFailed(context, phase.problem, undefined);
  }
}

/** The pod, which shows why the Job failed, may come after the Job, and the condition, which names a rule, after the pod. */
function waitForMore(
  context: JobContext,
  { awaits, endedAt, problem }: FailedPhase,
): JobDecision | undefined {
  if (awaits === undefined) return undefined;
  const firstObserved = observedSince(context, "ended", endedAt);
  const leftMs = AWAIT_MS[awaits] - msSince(context, firstObserved.since);
  return leftMs > 0
    ? { status: "failed", reason: problem.message, requeueAfterMs: leftMs, firstObserved }
    : undefined;
}

function onLive(context: JobContext, phase: LivePhase): JobDecision {
  const { started, restartedAt, awaitsRestart = false, beside = [], orphan } = phase;
  if (!started) return onStarting(context, stillCrashing(context, restartedAt));
  const { name } = context.observed.job.metadata;
  const logs = beside.map((problem) => {
    const key = `Container '${problem.container}' of Job ${name} is in trouble while the flow runs`;
    return logEntry("WARNING", `${key}: ${problem.message}`, key);
  });
  if (orphan !== undefined) {
    const message = `Job ${name} was deleted, but its pod ${orphan} works on: the flow run goes on`;
    logs.push(logEntry("WARNING", message));
  }
  // No process keeps the run alive meanwhile.
  return { status: "active", reason: "running", heartbeat: awaitsRestart, logs };
}

function onSuspended(context: JobContext): JobDecision {
  const message = `Job ${context.observed.job.metadata.name} is suspended: it goes on when somebody resumes it`;
  return { status: "active", reason: "suspended", heartbeat: true, logs: [logEntry("INFO", message)] };
}

function onLosing(context: JobContext, loss: Loss, reason: string): JobDecision {
  const leftMs = lostInMs(context, loss);
  if (leftMs <= 0) return onDisrupted(context, loss.problem, loss.lostAt);
  return { status: "active", reason, requeueAfterMs: leftMs };
}

/** A sidecar can keep a dead pod for ever, and Kubernetes counts the pod only when it has ended. */
function onRetried(context: JobContext, problem: Problem, keptSince: Date | undefined): JobDecision {
  const firstObserved = observedSince(context, "kept", keptSince);
  const leftMs = context.input.policy.sidecarGraceMs - msSince(context, firstObserved.since);
  if (leftMs <= 0) return { ...onFailed(context, problem, keptSince), firstObserved };
  return { status: "active", reason: problem.message, requeueAfterMs: leftMs, firstObserved };
}

/** A container in a crash loop runs briefly between crashes; its grace must not restart each time. */
function stillCrashing(context: JobContext, restartedAt: Date | undefined): FirstObserved | undefined {
  const { firstObserved, policy } = context.input;
  const stuckSince = observedSince(context, "start");
  if (restartedAt === undefined || !firstObserved.has(stuckSince.key)) return undefined;
  return msSince(context, restartedAt) < policy.startGraceMs ? stuckSince : undefined;
}

function onSidecarRunning(context: JobContext, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(context, "sidecarRunning", endedAt);
  const leftMs = context.input.policy.sidecarGraceMs - msSince(context, firstObserved.since);
  const reason = "the flow's container has terminated, but another container is still running";
  if (leftMs > 0) return { status: "active", reason, requeueAfterMs: leftMs, firstObserved };
  return { status: "finished", reason, logs: exitWarning(context), deleteInMs: 0, firstObserved };
}

function onSucceeded(context: JobContext, endedAt: Date | undefined): JobDecision {
  const { exitGraceMs, deleteSucceededAfterMs: afterMs } = context.input.policy;
  const firstObserved = observedSince(context, "exited");
  const reason = COMPLETED;
  const leftMs = isRunActive(context) ? exitGraceMs - msSince(context, firstObserved.since) : 0;
  if (leftMs > 0) return { status: "finished", reason, requeueAfterMs: leftMs, firstObserved };
  const deleteInMs = deleteAfter(context, afterMs, endedAt ?? firstObserved.since);
  return { status: "finished", reason, logs: exitWarning(context), deleteInMs, firstObserved };
}

/** The reason of a Job that has ended well. */
export const COMPLETED = "its Job completed";

/** How the line about a Job begins that completed, although its flow run is not over. */
export function completedHead({ metadata: { name } }: Job): string {
  return `Job ${name} completed with exit code 0`;
}

/** Warns that the process exited with 0 but the run is not over. */
function exitWarning(context: JobContext): RunLogEntry[] {
  const { run } = context.input;
  if (run.kind !== "known" || !isRunActive(context)) return [];
  if (context.hasOtherLiveJob || context.stateBelongsTo !== "this") return [];
  const { type, name } = run.state;
  const head = completedHead(context.observed.job);
  const question = type === "pending" ? " Does its container run 'prefect execute flow-run'?" : "";
  // Core's process ends with 0 when a task's retry is far away.
  const unless = type === "running" ? "Unless a task waits for its retry, " : "";
  const message = `${head}, but the flow run is still ${name}.${question} ${unless}Prefect's own services will reschedule or fail the run.`;
  return [logEntry("WARNING", message, head)];
}
