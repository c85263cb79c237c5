// Leftovers: whether what a flow run made beside its Jobs, Dask clusters, is to go as well. A flow that ends by itself
// closes its cluster; one that was killed, or lost its pod, cannot.

import { isFinished } from "../../prefect1/states.ts";
import type { JobPhase } from "../observe/phase.ts";
import type { RunView, Transition } from "./decide.ts";

/** What is about to happen to a run. */
export interface Event {
  readonly run: RunView;
  readonly settle: Transition | undefined;
  /** How those Jobs stand that go now. */
  readonly leaving: readonly JobPhase[];
}

/**
 * Whether nobody needs the run's Dask clusters any more, and nobody else ends them: its pod is lost, or the run is
 * cancelled or deleted, or is over while a Job of it goes that did not end well.
 */
export function leavesDask({ run, settle, leaving }: Event): boolean {
  if (settle !== undefined) return true;
  if (leaving.length === 0 || run.kind === "unknown") return false;
  if (run.kind === "missing" || isCancelled(run)) return true;
  return isFinished(run.state.type) && leaving.some(({ kind }) => kind !== "succeeded");
}

/** Whether somebody wants all of the run to end. */
export function isCancelled(run: RunView): boolean {
  return run.kind === "known" && (run.state.type === "Cancelling" || run.state.type === "Cancelled");
}

/** Whether the run works no more: over, being cancelled, or deleted. */
export function isDone(run: RunView): boolean {
  return run.kind === "missing" || isCancelled(run) || (run.kind === "known" && isFinished(run.state.type));
}
