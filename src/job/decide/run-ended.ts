// Overdue: Jobs whose flow run is cancelled, over or deleted: they have a grace to end by themselves, then they go.

import { stateWord } from "../../prefect3/states.ts";
import type { Case, JobDecision } from "./job-context.ts";
import { isRunOver, msSince, observedSince } from "./job-context.ts";
import { retention } from "./failed.ts";
import type { ObservedJob } from "../observe/observed.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { DecideInput, Transition } from "./decide.ts";

/** What the run's state alone asks for, if it does. */
export function decideByRunState(subject: Case): JobDecision | undefined {
  const { run, policy } = subject.input;
  if (run.kind === "unknown") return undefined;
  if (run.kind === "missing") {
    return afterGrace(subject, {
      word: "orphaned",
      why: "its flow run no longer exists in Prefect",
      graceMs: policy.cancelGraceMs,
    });
  }
  const { type } = run.state;
  if (type === "Cancelling" || type === "Cancelled") return cancelledDecision(subject, type);
  const isActive = ["live", "suspended", "pending", "sidecarRunning"].includes(subject.phase.kind);
  if (!isRunOver(subject) || !isActive) return undefined;
  const why = `its flow run is ${stateWord(run.state)}`;
  return afterGrace(subject, { word: "finished", why, graceMs: policy.sidecarGraceMs });
}

/** Cancelling becomes Cancelled when nothing of the run is left that could do it by itself. */
export function cancelTransition(
  jobs: readonly { readonly phase: JobPhase; readonly print: ObservedJob }[],
  { run }: DecideInput,
): Transition | undefined {
  if (run.kind !== "known" || run.state.type !== "Cancelling") return undefined;
  if (!jobs.every(({ phase, print }) => print.gone || isEnded(phase) || isBeingBuried(print)))
    return undefined;
  return { kind: "cancelled", message: "Cancelled: nothing of the flow run is left in Kubernetes" };
}

function cancelledDecision(subject: Case, state: string): JobDecision {
  const { phase, job: print, input } = subject;
  const why = `its flow run is ${state}`;
  if (print.gone) return { status: "cancelled", reason: why };
  if (!isEnded(phase))
    return afterGrace(subject, { word: "cancelled", why, graceMs: input.policy.cancelGraceMs });
  const { deleteSucceededAfterMs, deleteFailedAfterMs } = input.policy;
  const afterMs = phase.kind === "succeeded" ? deleteSucceededAfterMs : deleteFailedAfterMs;
  const firstObserved = observedSince(subject, "ended", phase.endedAt);
  return {
    status: "cancelled",
    reason: why,
    deletion: retention(subject, { afterMs, endedAt: firstObserved.since, why }),
    firstObserved,
  };
}

function isEnded(
  phase: JobPhase,
): phase is JobPhase & { readonly kind: "succeeded" | "failed" | "disrupted" } {
  return phase.kind === "succeeded" || phase.kind === "failed" || phase.kind === "disrupted";
}

/** The Job is being deleted and no pod of it runs: only finalizers hold it. */
function isBeingBuried({ job, pods }: ObservedJob): boolean {
  const isOver = (phase: string | undefined): boolean => phase === "Failed" || phase === "Succeeded";
  return job.metadata.deletionTimestamp !== undefined && pods.every(({ status }) => isOver(status.phase));
}

/**
 * The grace runs from the first sight of the run's state, at the earliest from its row's last change: a hung process
 * that goes on with its heartbeats changes the row again and again, and must not be granted a new grace each time.
 */
function afterGrace(
  subject: Case,
  given: { readonly word: string; readonly why: string; readonly graceMs: number },
): JobDecision {
  const { run } = subject.input;
  const { word, why, graceMs } = given;
  const firstObserved = observedSince(subject, word, run.kind === "known" ? run.updated : undefined);
  const inMs = Math.max(graceMs - msSince(subject, firstObserved.since), 0);
  return { status: word, reason: why, deletion: { inMs, why }, firstObserved };
}
