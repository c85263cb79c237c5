// What is decided about a Job that failed: the post-mortem in the run's log, the run's state, and when the Job is deleted.

import { isDead } from "../observe/pod-termination.ts";
import { postMortem } from "../observe/post-mortem.ts";
import type { Problem, ProblemReason } from "../observe/problem.ts";
import { isRunActive, isRunFinished, logEntry, msSince, observedSince } from "./job-context.ts";
import type { JobContext } from "./job-context.ts";
import type { JobDecision, LogTail, RunLogEntry, Transition } from "./types.ts";

/** Problems of containers that never ran: they have no log. */
const NO_LOG = new Set<ProblemReason>([
  "InvalidImageName",
  "ImagePull",
  "Config",
  "CreateContainer",
  "StartError",
  "Unschedulable",
  "Volume",
]);

/** The post-mortem, Failed, and the deletion of the Job. */
export function onFailed(context: JobContext, problem: Problem, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(context, "ended", endedAt);
  const reason = problem.message;
  const afterMs = context.input.policy.deleteFailedAfterMs;
  return {
    status: "failed",
    reason,
    logs: report(context, problem),
    transition: failure(context, problem),
    deletion: deleteAfter(context, { afterMs, endedAt: firstObserved.since, reason }),
    firstObserved,
  };
}

/** The same for a pod that the cluster took away; with `--on-disruption retry` the run is scheduled again. */
export function onDisrupted(context: JobContext, problem: Problem, endedAt: Date | undefined): JobDecision {
  const failed = onFailed(context, problem, endedAt);
  const { transition } = failed;
  if (
    context.input.policy.onDisruption === "fail" ||
    transition?.kind !== "fail" ||
    transition.onlyWithReport
  )
    return failed;
  // A Job can count as failed while its pod still has its grace: two processes would do half of the run each.
  const { job, pods, gone } = context.observed;
  if (!gone && pods.some((pod) => !isDead(pod) && pod.status.phase !== "Succeeded"))
    return { status: "failed", reason: problem.message, firstObserved: failed.firstObserved };
  return {
    ...failed,
    logs: (failed.logs ?? []).map((entry) => ({ ...entry, level: "WARNING" as const })),
    transition: {
      kind: "reschedule",
      message: `Rescheduled because ${problem.message}`,
      job: job.metadata.name,
    },
  };
}

/** Deletes a finished Job `afterMs` milliseconds after its end; undefined: never. */
export function deleteAfter(
  context: JobContext,
  retention: { readonly afterMs: number | undefined; readonly endedAt: Date; readonly reason: string },
): JobDecision["deletion"] {
  const { afterMs, endedAt, reason } = retention;
  return afterMs === undefined ? undefined : { inMs: afterMs - msSince(context, endedAt), reason };
}

/** A run that a newer Job works on is not failed for an older one. */
function failure(context: JobContext, problem: Problem): Transition | undefined {
  if (!isRunActive(context) || context.hasOtherLiveJob || context.stateBelongsTo === "newer")
    return undefined;
  const onlyWithReport = context.stateBelongsTo === "coming";
  return { kind: "fail", message: `Kubernetes Error: ${problem.message}`, onlyWithReport };
}

function report(context: JobContext, problem: Problem): RunLogEntry[] {
  const { run } = context.input;
  const isFinished = isRunFinished(context);
  // A Job that is deleted after its run was over is housekeeping, nothing to report.
  if (run.kind !== "known" || (isFinished && problem.reason === "JobDeleted")) return [];
  const level = run.state.type === "completed" ? "WARNING" : "ERROR";
  const key = `Job ${context.observed.job.metadata.name}: `;
  const entry = logEntry(context, level, { message: postMortem(context.observed, problem), key });
  return [{ ...entry, tail: tailOf(problem) }];
}

function tailOf({ reason, pod, container }: Problem): LogTail | undefined {
  if (pod === undefined || NO_LOG.has(reason)) return undefined;
  return { pod, container, previous: reason === "CrashLoop" };
}
