// Failed: what a Job asks for that went wrong: its story in the run's log, the run's state, and when the Job goes.

import { isSuccessful } from "../../prefect1/states.ts";
import type { Case, JobDecision } from "./job-context.ts";
import { isRunAlive, isRunOver, msSince, logEntry, observedSince } from "./job-context.ts";
import { isDead } from "../observe/pod-termination.ts";
import { postMortem } from "../observe/post-mortem.ts";
import type { Problem, ProblemReason } from "../observe/problem.ts";
import type { RunLogEntry, Transition, Tail } from "./decide.ts";

/** Troubles of containers that never ran: they have no log. */
const NO_LOG = new Set<ProblemReason>([
  "InvalidImageName",
  "ImagePull",
  "Config",
  "CreateContainer",
  "StartError",
  "Unschedulable",
  "Volume",
]);

/** The story, Failed, and the Job's end after its retention. */
export function failedDecision(subject: Case, problem: Problem, endedAt: Date | undefined): JobDecision {
  const firstObserved = observedSince(subject, "ended", endedAt);
  const afterMs = subject.input.policy.deleteFailedAfterMs;
  const remove = retention(subject, { afterMs, endedAt: firstObserved.since, why: problem.message });
  const settle = failure(subject, problem);
  return {
    status: "failed",
    reason: problem.message,
    logs: story(subject, problem),
    transition: settle,
    deletion: remove,
    firstObserved,
  };
}

/** The same for a pod that the cluster took; with `--on-disruption retry` the run is scheduled anew. */
export function disruptedDecision(subject: Case, problem: Problem, endedAt: Date | undefined): JobDecision {
  const failed = failedDecision(subject, problem, endedAt);
  const { transition: settle } = failed;
  if (subject.input.policy.onDisruption === "fail" || settle?.kind !== "fail" || settle.onlyWithReport)
    return failed;
  // A Job can count as failed while its pod still has its grace: a second process beside that one would be half a run each.
  const { job: print } = subject;
  if (!print.gone && print.pods.some((pod) => !isDead(pod) && pod.status.phase !== "Succeeded"))
    return { status: "failed", reason: problem.message, firstObserved: failed.firstObserved };
  const say = (failed.logs ?? []).map((one) => ({ ...one, level: "WARNING" as const }));
  return {
    ...failed,
    logs: say,
    transition: {
      kind: "reschedule",
      message: `Rescheduled because ${problem.message}`,
      job: subject.job.job.metadata.name,
    },
  };
}

/** When a Job that is over goes: `afterMs` after its end; undefined: never. */
export function retention(
  subject: Case,
  given: { readonly afterMs: number | undefined; readonly endedAt: Date; readonly why: string },
): JobDecision["deletion"] {
  const { afterMs, endedAt, why } = given;
  return afterMs === undefined ? undefined : { inMs: afterMs - msSince(subject, endedAt), why };
}

/** A run in a newer Job's hands is not failed for an older one. */
function failure(subject: Case, problem: Problem): Transition | undefined {
  if (!isRunAlive(subject) || subject.hasOtherLiveJob || subject.stateBelongsTo === "newer") return undefined;
  const onlyWithReport = subject.stateBelongsTo === "coming";
  return { kind: "fail", message: `Kubernetes Error: ${problem.message}`, onlyWithReport };
}

function story(subject: Case, problem: Problem): RunLogEntry[] {
  const { run } = subject.input;
  const over = isRunOver(subject);
  // A Job deleted after its run was over is housekeeping, not news.
  if (run.kind !== "known" || (over && problem.reason === "JobDeleted")) return [];
  const level = over && isSuccessful(run.state.type) ? "WARNING" : "ERROR";
  const name = subject.job.job.metadata.name;
  const words = { message: postMortem(subject.job, problem), mark: `Job ${name}: ` };
  return [{ ...logEntry(subject, level, words), tail: tailOf(problem) }];
}

function tailOf({ reason: code, pod, container }: Problem): Tail | undefined {
  if (pod === undefined || NO_LOG.has(code)) return undefined;
  return { pod, container, previous: code === "CrashLoop" };
}
