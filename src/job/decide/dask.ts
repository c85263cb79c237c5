// Whether the Dask clusters of a flow run are deleted with it. A flow that ends by itself closes its cluster; one that was
// killed, or lost its pod, cannot.

import { isCancelled, isFinished } from "../../orchestrator/flow-run.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { Transition } from "./types.ts";

/** What is about to happen to a run. */
export interface PendingActions {
  readonly run: RunStatus;
  readonly transition: Transition | undefined;
  /** The phases of the Jobs that are deleted now. */
  readonly deletedPhases: readonly JobPhase[];
}

/**
 * Whether nobody needs the run's Dask clusters any more, and nobody else ends them: its pod is lost, or the run is
 * cancelled or deleted, or it is over while a Job that did not end well is deleted.
 */
export function mustDeleteDask({ run, transition, deletedPhases }: PendingActions): boolean {
  if (transition !== undefined) return true;
  if (deletedPhases.length === 0 || run.kind === "unknown") return false;
  if (run.kind === "missing" || isCancelled(run)) return true;
  return isFinished(run.state.type) && deletedPhases.some(({ kind }) => kind !== "succeeded");
}
