// What the agent's loops do every now and then.

import type { Clock } from "../base/clock.ts";
import { isRetryable, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { pagesOf } from "../base/pages.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";

/** When to retry after an error. */
const RETRY_MS = 2_000;
const HEARTBEATS_AT_ONCE = 50;

/** Runs the task now and every so many milliseconds, sooner after an error, until the signal aborts. */
// oxlint-disable-next-line max-params -- when, what, with what, until when
export async function every(
  ms: number,
  task: () => Promise<void>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let waitMs = ms;
    await task().catch((error: unknown) => {
      log.debug("A periodic task failed", { error: textOf(error) });
      waitMs = Math.min(ms, RETRY_MS);
    });
    await clock.sleep(waitMs, signal);
  }
}

/**
 * Sends heartbeats for these runs, page after page: other requests must not stand behind them. Throws the first error that may
 * pass; a run that Prefect does not know is none.
 */
export async function keepAlive(
  runs: Pick<RunReporter, "keepAlive">,
  flowRunIds: readonly string[],
): Promise<void> {
  const errors: unknown[] = [];
  for (const page of pagesOf(flowRunIds, HEARTBEATS_AT_ONCE))
    await runs.keepAlive(page).catch((error: unknown) => errors.push(error));
  const passing = errors.find(isRetryable);
  if (passing instanceof Error) throw passing;
}
