// Opinions: what one Job asks for, by its phase, while its flow run is not being cancelled, is not over and exists.

import type { Case, JobDecision, FirstObserved } from "./job-context.ts";
import { isRunAlive, msSince, logEntry, observedSince } from "./job-context.ts";
import { disruptedDecision, failedDecision, retention } from "./failed.ts";
import type { FailedPhase, JobPhase } from "../observe/phase.ts";
import type { Problem } from "../observe/problem.ts";
import type { RunLogEntry } from "./decide.ts";

/** Time enough for a failed Job's pod to be heard of. */
const EXPLAINED_WITHIN_MS = 2_000;

/** What the Job asks for by itself. */
export function decideByPhase(subject: Case): JobDecision {
  const { phase } = subject;
  switch (phase.kind) {
    case "live":
      return liveDecision(subject, phase);
    case "suspended":
      return { status: "active", reason: "suspended", heartbeat: true };
    case "pending":
      return pendingDecision(subject, phase.problem);
    case "stuck":
      return stuckDecision(subject, phase.problem, phase.atOnce);
    case "sidecarRunning":
      return sidecarRunningDecision(subject, phase.endedAt);
    case "succeeded":
      return succeededDecision(subject, phase.endedAt);
    case "failed":
      return guess(subject, phase) ?? failedDecision(subject, phase.problem, phase.endedAt);
    case "disrupted":
      return disruptedDecision(subject, phase.problem, phase.endedAt);
    case "deleted":
      return failedDecision(subject, phase.problem, undefined);
  }
}

/** Kubernetes tells of Jobs and of pods in streams of their own; the one that knows why may be behind the one that knows that. */
function guess(
  subject: Case,
  { isUnexplained: isGuess, endedAt, problem }: FailedPhase,
): JobDecision | undefined {
  if (isGuess !== true) return undefined;
  const firstObserved = observedSince(subject, "ended", endedAt);
  const leftMs = EXPLAINED_WITHIN_MS - msSince(subject, firstObserved.since);
  return leftMs > 0
    ? { status: "failed", reason: problem.message, requeueAfterMs: leftMs, firstObserved }
    : undefined;
}

function liveDecision(subject: Case, phase: JobPhase & { readonly kind: "live" }): JobDecision {
  const why = phase.started ? "running" : "starting";
  return {
    status: "active",
    reason: why,
    heartbeat: !phase.started,
    firstObserved: crashes(subject, phase.restartedAt),
  };
}

/** A container that crashes again and again runs in between: its grace does not begin anew each time. */
function crashes(subject: Case, restartedAt: Date | undefined): FirstObserved | undefined {
  const { firstObserved, policy } = subject.input;
  const seen = observedSince(subject, "stuck");
  if (restartedAt === undefined || !firstObserved.has(seen.key)) return undefined;
  return msSince(subject, restartedAt) < policy.startGraceMs ? seen : undefined;
}

function pendingDecision(subject: Case, problem: Problem): JobDecision {
  const { pendingTimeoutMs, pendingWarnMs } = subject.input.policy;
  const firstObserved = observedSince(subject, problem.reason);
  const waitedMs = msSince(subject, firstObserved.since);
  if (pendingTimeoutMs !== undefined && waitedMs >= pendingTimeoutMs)
    return { ...failedDecision(subject, problem, firstObserved.since), firstObserved };
  const name = subject.job.job.metadata.name;
  // Once for each thing that it waits for; what follows the colon is the scheduler's or the quota's, with numbers that change.
  const [head = ""] = problem.message.split(": ");
  const words = { message: `Job ${name} waits: ${problem.message}`, mark: `Job ${name} waits: ${head}` };
  const ahead = [pendingWarnMs, pendingTimeoutMs ?? 0].filter((ms) => ms > waitedMs);
  return {
    status: "pending",
    reason: problem.message,
    logs: waitedMs >= pendingWarnMs ? [logEntry(subject, "WARNING", words)] : [],
    heartbeat: true,
    requeueAfterMs: ahead.length === 0 ? undefined : Math.min(...ahead) - waitedMs,
    firstObserved,
  };
}

function stuckDecision(subject: Case, problem: Problem, atOnce: boolean): JobDecision {
  const firstObserved = observedSince(subject, "stuck");
  const graceMs = atOnce ? 0 : subject.input.policy.startGraceMs;
  const leftMs = graceMs - msSince(subject, firstObserved.since);
  if (leftMs > 0)
    return {
      status: "stuck",
      reason: problem.message,
      heartbeat: true,
      requeueAfterMs: leftMs,
      firstObserved,
    };
  return {
    ...failedDecision(subject, problem, firstObserved.since),
    status: "stuck",
    firstObserved,
  };
}

function sidecarRunningDecision(subject: Case, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(subject, "sidecarRunning", endedAt);
  const leftMs = subject.input.policy.sidecarGraceMs - msSince(subject, firstObserved.since);
  const why = "the flow's container ended, another one keeps the pod";
  if (leftMs > 0) return { status: "active", reason: why, requeueAfterMs: leftMs, firstObserved };
  return {
    status: "finished",
    reason: why,
    logs: exitEntries(subject),
    deletion: { inMs: 0, why },
    firstObserved,
  };
}

function succeededDecision(subject: Case, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(subject, "exited");
  const why = "its Job completed";
  const leftMs = isRunAlive(subject)
    ? subject.input.policy.exitGraceMs - msSince(subject, firstObserved.since)
    : 0;
  if (leftMs > 0) return { status: "finished", reason: why, requeueAfterMs: leftMs, firstObserved };
  const afterMs = subject.input.policy.deleteSucceededAfterMs;
  const remove = retention(subject, { afterMs, endedAt: endedAt ?? firstObserved.since, why });
  return {
    status: "finished",
    reason: why,
    logs: exitEntries(subject),
    deletion: remove,
    firstObserved,
  };
}

/** Exit code 0 says only that Prefect's process ended well; a run that is not over then waits for Prefect's services. */
function exitEntries(subject: Case): RunLogEntry[] {
  const { run } = subject.input;
  if (
    run.kind !== "known" ||
    !isRunAlive(subject) ||
    subject.hasOtherLiveJob ||
    subject.stateBelongsTo !== "this"
  )
    return [];
  const { type } = run.state;
  const head = `Job ${subject.job.job.metadata.name} completed with exit code 0`;
  const question = type === "Submitted" ? " Does its container run 'prefect execute flow-run'?" : "";
  const message = `${head}, but the flow run is still ${type}.${question} Prefect's own services will look after the run.`;
  return [logEntry(subject, "WARNING", { message, mark: head })];
}
