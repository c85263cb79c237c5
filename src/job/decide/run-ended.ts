// Decides about Jobs whose flow run is cancelled, over or deleted: they are deleted unless they stop by themselves within a
// grace period.

import { DELETED_RUN } from "../../orchestrator/flow-run.ts";
import type { ObservedJob } from "../observe/observed.ts";
import { isLive, type JobPhase } from "../observe/phase.ts";
import { hasEnded } from "../observe/pod-termination.ts";
import { deleteAfter } from "./failed.ts";
import { isRunFinished, msSince, observedSince, type JobContext } from "./job-context.ts";
import type { DecideInput, JobDecision, Transition } from "./types.ts";

/** Decides by the run's state; undefined: the Job's phase decides. */
export function decideByRunState(context: JobContext): JobDecision | undefined {
  const { run, policy } = context.input;
  if (run.kind === "unknown") return undefined;
  if (run.kind === "missing") {
    const reason = DELETED_RUN;
    return afterGrace(context, { status: "orphaned", reason, graceMs: policy.cancelGraceMs });
  }
  const { type, name } = run.state;
  const reason = `its flow run is ${name}`;
  if (type === "cancelling" || type === "cancelled") return onCancelled(context, reason);
  const isActive = isLive(context.phase) || context.phase.kind === "sidecarRunning";
  if (!isRunFinished(context) || !isActive) return undefined;
  return afterGrace(context, { status: "finished", reason, graceMs: policy.sidecarGraceMs });
}

/** Cancelling becomes Cancelled when no process of the run is left that could set the state itself. */
export function cancelTransition(
  jobs: readonly { readonly phase: JobPhase; readonly observed: ObservedJob }[],
  { run }: DecideInput,
): Transition | undefined {
  if (run.kind !== "known" || run.state.type !== "cancelling") return undefined;
  const isLeft = jobs.some(({ phase, observed: { job, pods, gone } }) => {
    // A Job that is being deleted and none of whose pods runs is only kept by finalizers.
    const isTerminating = job.metadata.deletionTimestamp !== undefined && pods.every(hasEnded);
    return !gone && !isOver(phase) && !isTerminating;
  });
  if (isLeft) return undefined;
  return { kind: "cancelled", message: "Cancelled: nothing of the flow run is left in Kubernetes" };
}

function onCancelled(context: JobContext, reason: string): JobDecision {
  const { phase, observed, input } = context;
  const status = "cancelled";
  if (observed.gone) return { status, reason };
  if (!isOver(phase)) return afterGrace(context, { status, reason, graceMs: input.policy.cancelGraceMs });
  const { deleteSucceededAfterMs, deleteFailedAfterMs } = input.policy;
  const afterMs = phase.kind === "succeeded" ? deleteSucceededAfterMs : deleteFailedAfterMs;
  const firstObserved = observedSince(context, "ended", phase.endedAt);
  const deletion = deleteAfter(context, { afterMs, endedAt: firstObserved.since, reason });
  return { status, reason, deletion, firstObserved };
}

function isOver(
  phase: JobPhase,
): phase is JobPhase & { readonly kind: "succeeded" | "failed" | "disrupted" } {
  return ["succeeded", "failed", "disrupted"].includes(phase.kind);
}

/** The grace starts when the run's row was first seen to change: heartbeats of a hung process must not restart it. */
function afterGrace(
  context: JobContext,
  ending: { readonly status: string; readonly reason: string; readonly graceMs: number },
): JobDecision {
  const { run } = context.input;
  const { status, reason, graceMs } = ending;
  const firstObserved = observedSince(context, status, run.kind === "known" ? run.state.since : undefined);
  const inMs = Math.max(graceMs - msSince(context, firstObserved.since), 0);
  return { status, reason, deletion: { inMs, reason }, firstObserved };
}
