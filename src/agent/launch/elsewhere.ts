// Running runs that are due, as for a task's retry, although a process of an earlier launch in another place still works on them:
// its Job cannot be seen here, and a second one would run the flow twice.

import type { DueRun } from "../../orchestrator/work-source.ts";
import { comparePlaces } from "../../orchestrator/place.ts";
import type { SharedState } from "../shared-state.ts";
import { isRecent } from "./heartbeat.ts";

/** So many are asked about at once; the others wait for the next poll. */
const AT_ONCE = 100;

type Deps = Pick<SharedState, "runs" | "settings" | "prefectTime">;

/** Without those runs. Asks Prefect only if a Running one is among them. Throws PrefectError. */
export async function withoutWorkedElsewhere(deps: Deps, due: readonly DueRun[]): Promise<readonly DueRun[]> {
  const { runs, settings } = deps;
  const isRunning = ({ state }: DueRun): boolean => state.type === "running";
  const ids = due.filter(isRunning).map(({ id }) => id);
  if (ids.length === 0) return due;
  const asked = new Set(ids.slice(0, AT_ONCE));
  const claims = await runs.lastClaims([...asked]);
  return due.flatMap((run) => {
    if (!isRunning(run)) return [run];
    const last = claims.get(run.id);
    const isElsewhere = last !== undefined && comparePlaces(last.claim.place, settings.place) === "other";
    if (!asked.has(run.id) || (isElsewhere && isRecent(last.heartbeatAt, deps))) return [];
    // What was read of it is older now: it is read again before it is claimed.
    return [{ ...run, claim: (readAt = -Infinity) => run.claim(readAt) }];
  });
}
