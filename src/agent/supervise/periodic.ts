// What supervision does every now and then.

import { textOf } from "../../base/errors.ts";
import type { AgentDeps } from "../deps.ts";

type Deps = Pick<AgentDeps, "clock" | "log" | "runs" | "metrics">;

/** When to retry after an error. */
const RETRY_MS = 2_000;
const HEARTBEATS_AT_ONCE = 50;

/** Runs the task now and every so many milliseconds, sooner after an error, until the signal aborts. */
// oxlint-disable-next-line max-params -- when, what, with what, until when
export async function every(
  ms: number,
  task: () => Promise<void>,
  { clock, log }: Pick<Deps, "clock" | "log">,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let waitMs = ms;
    await task().catch((error: unknown) => {
      log.debug("A periodic task of supervision failed", { error: textOf(error) });
      waitMs = Math.min(ms, RETRY_MS);
    });
    await clock.sleep(waitMs, signal);
  }
}

/** Sends heartbeats for runs whose Jobs wait to start: Prefect would start them a second time. */
export async function sendHeartbeats({ runs, metrics }: Deps, waiting: Iterable<string>): Promise<void> {
  const ids = [...waiting];
  for (let at = 0; at < ids.length; at += HEARTBEATS_AT_ONCE) {
    await runs.keepAlive(ids.slice(at, at + HEARTBEATS_AT_ONCE));
  }
  metrics.progress("heartbeat");
}
