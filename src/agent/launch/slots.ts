// How many more Jobs --limit allows. It is counted from the cluster, so that a restart does not reset it.

import type { SharedState } from "../shared-state.ts";

type Counted = Pick<SharedState, "settings" | "view" | "inFlight">;

/** For the claims that earlier processes left without a Job. */
export function slotsLeft({ settings: { limit }, view, inFlight }: Counted): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return limit - view.liveJobs() - inFlight.uncounted((id) => view.liveJobOf(id) !== undefined);
}

/** For new claims: what was left behind comes first, and until it is known there are none. */
export function slotsForNewClaims(counted: Counted): number {
  const { settings, view, inFlight } = counted;
  const { leftBehind } = inFlight;
  if (settings.limit === undefined) return Number.POSITIVE_INFINITY;
  if (leftBehind === undefined) return 0;
  const reserved = [...leftBehind].filter((id) => !inFlight.has(id) && view.liveJobOf(id) === undefined);
  return slotsLeft(counted) - reserved.length;
}
