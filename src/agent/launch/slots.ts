// How many more Jobs --limit allows. It is counted from the cluster, so that a restart does not reset it.

import type { SharedState } from "../shared-state.ts";

type Counted = Pick<SharedState, "settings" | "view" | "inFlight">;

/** Whether the run, once claimed, may have no Job: this process does not submit it, and sees no live one. */
export function mayLackJob({ view, inFlight }: Counted, flowRunId: string): boolean {
  return !inFlight.has(flowRunId) && view.liveJobOf(flowRunId) === undefined;
}

/** For the claims that earlier processes left without a Job. */
export function slotsLeft({ settings: { limit }, view, inFlight }: Counted): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const isSeen = (id: string): boolean => view.liveJobOf(id) !== undefined;
  return limit - view.liveJobs() - inFlight.uncounted(isSeen, view.jobs.listedAtMs);
}

/** For new claims: what was left behind comes first, and until it is known there are none. */
export function slotsForNewClaims(counted: Counted): number {
  const { leftBehind } = counted.inFlight;
  if (counted.settings.limit === undefined) return Number.POSITIVE_INFINITY;
  if (leftBehind === undefined) return 0;
  const reserved = [...leftBehind].filter((id) => mayLackJob(counted, id));
  return slotsLeft(counted) - reserved.length;
}
