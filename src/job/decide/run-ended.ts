// Decides about Jobs whose flow run is cancelled, over or deleted: they are deleted unless they stop by themselves within a
// grace period.

import { DELETED_RUN } from "../../orchestrator/flow-run.ts";
import { isDeleted, type ObservedJob } from "../observe/observed.ts";
import { lossOf, workingPods } from "../observe/disruption.ts";
import { isLive, type JobPhase } from "../observe/phase.ts";
import { hasEnded } from "../observe/pod-termination.ts";
import { deleteAfter, lostInMs } from "./failed.ts";
import { isRunFinished, msSince, observedSince, type JobContext } from "./job-context.ts";
import type { DecideInput, JobDecision, Transition } from "./types.ts";

/** Decides by the run's state; undefined: the Job's phase decides. */
export function decideByRunState(context: JobContext): JobDecision | undefined {
  const { run, policy } = context.input;
  if (run.kind === "unknown") return undefined;
  if (run.kind === "missing")
    return afterGrace(context, { status: "orphaned", reason: DELETED_RUN, graceMs: policy.cancelGraceMs });
  const { type, name } = run.state;
  const reason = `its flow run is ${name}`;
  if (type === "cancelling" || type === "cancelled") return onCancelled(context, reason);
  const mayRun = ["sidecarRunning", "terminating", "unreachable"].includes(context.phase.kind);
  const isActive = mayRun || isLive(context.phase, context.input.now);
  if (!isRunFinished(context) || !isActive) return undefined;
  return afterGrace(context, { status: "finished", reason, graceMs: policy.sidecarGraceMs });
}

/** Cancelling becomes Cancelled when no process of the run is left that could set the state itself. */
export function cancelTransition(jobs: readonly ObservedPhase[], input: DecideInput): Transition | undefined {
  const { run } = input;
  if (run.state?.type !== "cancelling") return undefined;
  if (jobs.some((job) => isAtWork(job, input))) return undefined;
  return { kind: "cancelled", message: `Cancelled: ${whatRuns(jobs)}` };
}

/** A pod that has not ended counts as lost: its node does not answer, and nobody knows what still runs there. */
function whatRuns(jobs: readonly ObservedPhase[]): string {
  const lost = jobs.flatMap(({ observed }) => observed.pods).filter((pod) => !hasEnded(pod));
  const nodes = [...new Set(lost.flatMap(({ spec }) => spec.nodeName ?? []))];
  if (nodes.length === 0) return "nothing of the flow run runs in Kubernetes any more";
  return `its pod on node ${nodes.join(" and ")}, which does not answer, is given up`;
}

type ObservedPhase = Pick<JobContext, "phase" | "observed">;

/**
 * Whether the Job can start a pod, or one of its pods has not ended: a Job can be Failed, or gone, before its pods are. A Job
 * that is being deleted and none of whose pods runs is only kept by finalizers.
 */
function isAtWork({ phase, observed }: ObservedPhase, input: DecideInput): boolean {
  const startsPods = !isDeleted(observed) && !isOver(phase);
  return startsPods || lossesAhead(observed, input).length > 0;
}

/** In how many milliseconds each pod that has not ended counts as lost, of those that do not yet. */
function lossesAhead(observed: ObservedJob, input: DecideInput): readonly number[] {
  return workingPods(observed, input.now).map((pod) => lostInMs({ input }, lossOf(pod, observed)));
}

function onCancelled(context: JobContext, reason: string): JobDecision {
  const { phase, observed, input } = context;
  const { cancelGraceMs, deleteSucceededAfterMs, deleteFailedAfterMs } = input.policy;
  const status = "cancelled";
  if (isAtWork(context, input)) {
    const requeueAfterMs = Math.min(...lossesAhead(observed, input));
    return { ...afterGrace(context, { status, reason, graceMs: cancelGraceMs }), requeueAfterMs };
  }
  // Its Dask clusters do not wait for the Job, which may be kept, or gone.
  const since = input.run.state?.since;
  const daskInMs = since === undefined ? 0 : cancelGraceMs - msSince(context, since);
  const dask = daskInMs > 0 ? { requeueAfterMs: daskInMs } : { deleteDask: true };
  if (observed.gone) return { status, reason, ...dask };
  const afterMs = phase.kind === "succeeded" ? deleteSucceededAfterMs : deleteFailedAfterMs;
  const endedAt = isOver(phase) ? phase.endedAt : undefined;
  const firstObserved = observedSince(context, "ended", endedAt);
  const deleteInMs = deleteAfter(context, afterMs, endedAt ?? firstObserved.since);
  return { status, reason, deleteInMs, firstObserved, ...dask };
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
  const firstObserved = observedSince(context, status, run.state?.since);
  const deleteInMs = Math.max(graceMs - msSince(context, firstObserved.since), 0);
  return { status, reason, deleteInMs, firstObserved };
}
