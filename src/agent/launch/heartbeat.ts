// Whether a run's process gives a sign of life, by its heartbeat in Prefect.

import type { SharedState } from "../shared-state.ts";

/** A flow, and a process that waits with a claim, sends heartbeats every 30 s or more often. */
const HEARTBEAT_TIMEOUT_MS = 90_000;

/** Whether the heartbeat is so recent, by Prefect's clock, that whoever sends it works; undefined: none was sent. */
export function isRecent(
  heartbeatAt: Date | undefined,
  { prefectTime }: Pick<SharedState, "prefectTime">,
): boolean {
  return prefectTime.now().getTime() - (heartbeatAt?.getTime() ?? 0) < HEARTBEAT_TIMEOUT_MS;
}
