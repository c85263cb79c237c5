// Decides about a Job that failed: the post-mortem in the run's log, the run's state, and when to delete the Job.

import type { Pod } from "../../kube/client/objects.ts";
import { lossOf, type Loss } from "../observe/disruption.ts";
import { flowStatus } from "../observe/flow-container.ts";
import { isJobFinished } from "../observe/phase.ts";
import { hasEnded, hasFailed } from "../observe/pod-termination.ts";
import { postMortem } from "../observe/post-mortem.ts";
import type { Problem } from "../observe/problem.ts";
import {
  isRunActive,
  isRunFinished,
  logEntry,
  msSince,
  observedSince,
  type JobContext,
} from "./job-context.ts";
import type { JobDecision, RunLogEntry, Transition } from "./types.ts";

/** Milliseconds until the pod counts as lost with its node; infinite for a pod whose node answers. */
export function lostInMs({ input }: Pick<JobContext, "input">, loss: Loss | undefined): number {
  const lostAt = loss?.lostAt;
  return lostAt === undefined ? Infinity : lostAt.getTime() - input.now.getTime();
}

/** A claim may say a moment later that it has adopted the Job. */
const ADOPTED_AFTER_MS = 15_000;

/** Writes the post-mortem, fails the run, and deletes the Job. */
export function onFailed(context: JobContext, problem: Problem, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(context, "ended", endedAt);
  const { deleteFailedAfterMs, sidecarGraceMs } = context.input.policy;
  // What is kept are finished Jobs: one that still works, for a run that does not need it, holds its resources and a slot of
  // --limit, and could start the flow.
  const isLeft = isRunFinished(context) || (isRunActive(context) && context.stateBelongsTo !== "this");
  const isAtWork = isLeft && !isJobFinished(context.observed.job);
  // Its kubelet starts the flow again, beside the Job that was launched since.
  const graceMs = isRunActive(context) && context.stateBelongsTo === "newer" ? 0 : sidecarGraceMs;
  const afterMs = isAtWork ? Math.min(deleteFailedAfterMs ?? graceMs, graceMs) : deleteFailedAfterMs;
  return {
    status: "failed",
    reason: problem.message,
    logs: postMortemEntries(context, problem),
    transition: failTransition(context, problem),
    deleteInMs: deleteAfter(context, afterMs, endedAt ?? firstObserved.since),
    requeueAfterMs: mayBeAdopted(context, endedAt ?? firstObserved.since) ? ADOPTED_AFTER_MS : undefined,
    firstObserved,
  };
}

/** The same for a pod that was evicted or lost with its node; with `--on-disruption retry` the run is rescheduled. */
export function onDisrupted(context: JobContext, problem: Problem, endedAt: Date | undefined): JobDecision {
  const failed = onFailed(context, problem, endedAt);
  const { transition } = failed;
  if (transition === undefined || context.input.policy.onDisruption === "fail") return failed;
  // A Job can be Failed while its pod is still terminating: wait, so that two processes never work on the run.
  const { job, pods, gone } = context.observed;
  const working = gone ? [] : pods.filter((pod) => !hasFailed(pod, job) && !hasEnded(pod));
  const lostIn = working.map((pod) => lostInMs(context, lossOf(pod, context.observed)));
  const leftMs = Math.max(0, ...lostIn);
  const { firstObserved } = failed;
  if (leftMs > 0) return { status: "failed", reason: problem.message, firstObserved, requeueAfterMs: leftMs };
  const logs = failed.logs?.map((entry) => ({ ...entry, level: "WARNING" as const })) ?? [];
  const message = `Rescheduled because ${problem.message}`;
  const minDelayMs = gone ? 0 : Math.max(0, ...pods.map(restartedEndMs));
  const rescheduled = { kind: "reschedule", message, job: job.metadata.name, minDelayMs } as const;
  // What is kept are finished Jobs: this one, whose pod never ends, would be taken for the one that works on the run.
  const deleteInMs = isJobFinished(job) ? failed.deleteInMs : 0;
  return { ...failed, logs, transition: rescheduled, deleteInMs };
}

/** As Kubernetes' own. */
const GRACE_SECONDS = 30;

/** How long the pod may take to end once it is deleted, if its kubelet has started its flow again, such as on a rebooted node. */
function restartedEndMs(pod: Pod): number {
  const { state, lastState } = flowStatus(pod) ?? {};
  if (hasEnded(pod) || state?.running === undefined || lastState?.terminated === undefined) return 0;
  return (pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1_000;
}

function mayBeAdopted(context: JobContext, since: Date): boolean {
  const isPending = context.input.run.state?.type === "pending";
  return isPending && context.stateBelongsTo === "next" && msSince(context, since) < ADOPTED_AFTER_MS;
}

/** When to delete a Job that is kept for `afterMs` milliseconds since its end; undefined: never. */
export function deleteAfter(
  context: JobContext,
  afterMs: number | undefined,
  endedAt: Date,
): number | undefined {
  return afterMs === undefined ? undefined : afterMs - msSince(context, endedAt);
}

/** The run is not failed for this Job if another Job works on it, or is to. */
function failTransition(context: JobContext, problem: Problem): Transition | undefined {
  if (!isRunActive(context) || context.hasOtherLiveJob || context.stateBelongsTo !== "this") return undefined;
  return { kind: "fail", message: `Kubernetes Error: ${problem.message}` };
}

function postMortemEntries(context: JobContext, problem: Problem): RunLogEntry[] {
  const { run } = context.input;
  // A Job is deleted because its run is over, or was launched again.
  const isNeeded = isRunActive(context) && context.stateBelongsTo === "this";
  if (run.kind !== "known" || (!isNeeded && problem.reason === "JobDeleted")) return [];
  const level = run.state.type === "completed" ? "WARNING" : "ERROR";
  const key = `Job ${context.observed.job.metadata.name}: `;
  const entry = logEntry(level, postMortem(context.observed, problem), key);
  const { pod, container, hasRestarted: previous = false } = problem;
  // What waits for its start has no log, unless it has crashed before; a node that does not answer has none either.
  const isSilent =
    problem.reason === "NodeLost" &&
    context.observed.pods.some((each) => each.metadata.name === pod && !hasEnded(each));
  const hasLog = pod !== undefined && !isSilent && (previous || !("patience" in problem));
  return [{ ...entry, tail: hasLog ? { pod, container, previous } : undefined }];
}
