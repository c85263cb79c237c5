// Decides about a Job whose flow has not started although its run was launched again: it would start the flow a second time.

import { isActive, type RunStatus } from "../../orchestrator/flow-run.ts";
import { comparePlaces } from "../../orchestrator/place.ts";
import { identifierOf } from "../labels.ts";
import { createdMs, type ObservedJob } from "../observe/observed.ts";
import { isJobFinished, isOngoing } from "../observe/phase.ts";
import { flowStarted } from "../observe/pod-termination.ts";
import type { JobContext } from "./job-context.ts";
import type { DecideInput, JobDecision } from "./types.ts";

export function decideReplaced({ observed, input }: JobContext): JobDecision | undefined {
  if (!isReplaced(observed, input)) return undefined;
  const reason = "its flow has not started, and its flow run was launched again";
  return { status: "orphaned", reason, deleteInMs: 0 };
}

/**
 * Whether the Job may still start a flow that a newer Job, or one in another place, starts. A Job that is stuck is not adopted:
 * whoever restarts its run may have changed what kept it from starting.
 */
function isReplaced(observed: ObservedJob, { observed: { jobs }, run, place }: DecideInput): boolean {
  const { job, pods, deletedPods, gone } = observed;
  const canStart = !gone && !isJobFinished(job) && ![...pods, ...deletedPods].some((pod) => flowStarted(pod));
  if (!canStart || !isActive(run.state?.type)) return false;
  const claim = claimOf(run);
  const identifier = identifierOf(job.metadata);
  if (claim?.identifiers.includes(identifier ?? "") === true) return false;
  if (claim !== undefined && place !== undefined && comparePlaces(claim.place, place) === "other")
    return identifier !== undefined;
  return jobs.some((other) => createdMs(other.job) > createdMs(job) && !other.gone && isOngoing(other.job));
}

/** Which Job the state belongs to. An old Job, kept, held by a finalizer or just deleted, must not fail a restarted run. */
export function ownerOfState(observed: ObservedJob, { run }: Pick<DecideInput, "run">): "this" | "next" {
  const identifier = identifierOf(observed.job.metadata);
  const claim = claimOf(run);
  if (claim === undefined || identifier === undefined) return "this";
  return claim.identifiers.includes(identifier) ? "this" : "next";
}

/** The claim that the run's active state goes back to, where it is known; it names the Job that it is for. */
function claimOf({ state }: RunStatus) {
  return isActive(state?.type) ? state?.claim : undefined;
}
