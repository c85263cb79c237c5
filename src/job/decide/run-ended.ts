// Overdue: Jobs whose flow run is cancelled, over or deleted: they have a grace to end by themselves, then they go.

import { stateWord } from "../../prefect3/states.ts";
import type { Case, Opinion } from "./job-context.ts";
import { isRunOver, msSince, sighting } from "./job-context.ts";
import { retention } from "./failed.ts";
import type { JobPrint } from "../observe/observed.ts";
import type { Outlook } from "../observe/phase.ts";
import type { JudgeInput, Settlement } from "./decide.ts";

/** What the run's state alone asks for, if it does. */
export function overdueOpinion(subject: Case): Opinion | undefined {
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
  if (type === "Cancelling" || type === "Cancelled") return cancelledOpinion(subject, type);
  const isActive = ["live", "suspended", "pending", "lingering"].includes(subject.outlook.kind);
  if (!isRunOver(subject) || !isActive) return undefined;
  const why = `its flow run is ${stateWord(run.state)}`;
  return afterGrace(subject, { word: "finished", why, graceMs: policy.lingerMs });
}

/** Cancelling becomes Cancelled when nothing of the run is left that could do it by itself. */
export function cancelSettlement(
  jobs: readonly { readonly outlook: Outlook; readonly print: JobPrint }[],
  { run }: JudgeInput,
): Settlement | undefined {
  if (run.kind !== "known" || run.state.type !== "Cancelling") return undefined;
  if (!jobs.every(({ outlook, print }) => print.gone || isEnded(outlook) || isBeingBuried(print)))
    return undefined;
  return { kind: "cancelled", message: "Cancelled: nothing of the flow run is left in Kubernetes" };
}

function cancelledOpinion(subject: Case, state: string): Opinion {
  const { outlook, print, input } = subject;
  const why = `its flow run is ${state}`;
  if (print.gone) return { word: "cancelled", why };
  if (!isEnded(outlook))
    return afterGrace(subject, { word: "cancelled", why, graceMs: input.policy.cancelGraceMs });
  const { deleteSucceededAfterMs, deleteFailedAfterMs } = input.policy;
  const afterMs = outlook.kind === "succeeded" ? deleteSucceededAfterMs : deleteFailedAfterMs;
  const sighted = sighting(subject, "ended", outlook.endedAt);
  return {
    word: "cancelled",
    why,
    remove: retention(subject, { afterMs, endedAt: sighted.since, why }),
    sighted,
  };
}

function isEnded(
  outlook: Outlook,
): outlook is Outlook & { readonly kind: "succeeded" | "failed" | "disrupted" } {
  return outlook.kind === "succeeded" || outlook.kind === "failed" || outlook.kind === "disrupted";
}

/** The Job is being deleted and no pod of it runs: only finalizers hold it. */
function isBeingBuried({ job, pods }: JobPrint): boolean {
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
): Opinion {
  const { run } = subject.input;
  const { word, why, graceMs } = given;
  const sighted = sighting(subject, word, run.kind === "known" ? run.updated : undefined);
  const inMs = Math.max(graceMs - msSince(subject, sighted.since), 0);
  return { word, why, remove: { inMs, why }, sighted };
}
