// Flow runs whose rows in Prefect cannot be decoded: they are skipped, so that they hold up no other.

import type { Log } from "../../base/log.ts";

/** How many reasons to remember. */
const REMEMBERED = 1_000;

/** Returns a function that logs why a run is skipped, once for each reason: the row is read again until somebody corrects it. */
export function unreadableRunLog(log: Pick<Log, "warn">): (reason: string) => void {
  const logged = new Set<string>();
  return (reason) => {
    if (logged.has(reason)) return;
    if (logged.size >= REMEMBERED) logged.clear();
    logged.add(reason);
    log.warn("Skipped a flow run that cannot be decoded", { reason });
  };
}
