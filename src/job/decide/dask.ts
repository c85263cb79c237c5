// Whether to delete the Dask clusters of a flow run. A flow that finishes by itself closes its cluster; one that was killed
// or lost its pod cannot.

import { isCancelled, isFinished } from "../../orchestrator/flow-run.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { Transition } from "./types.ts";

/** What the agent is about to do about a run. */
export interface PendingActions {
  readonly run: RunStatus;
  readonly transition: Transition | undefined;
  /** The phases of the Jobs that are to be deleted now. */
  readonly deletedPhases: readonly JobPhase[];
}

/**
 * Whether nobody needs the run's Dask clusters any more and nobody else deletes them: the run lost its pod, it is cancelled
 * or deleted, or it is over and a Job that did not succeed is deleted.
 */
export function mustDeleteDask({ run, transition, deletedPhases }: PendingActions): boolean {
  if (transition !== undefined) return true;
  if (deletedPhases.length === 0 || run.kind === "unknown") return false;
  if (run.kind === "missing" || isCancelled(run)) return true;
  return isFinished(run.state.type) && deletedPhases.some(({ kind }) => kind !== "succeeded");
}
