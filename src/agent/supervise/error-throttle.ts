// supervise: what is said in the agent's own log of flow runs that cannot be finished with: one line per outage of an
// API, one per run that is refused; not one per try.

import { isRetryable, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";

/** Remembers which runs are in problem. */
export class ErrorThrottle {
  readonly #log: Log;
  readonly #waiting = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** One more failure; the run comes again by itself. */
  failed(flowRunId: string, error: unknown): void {
    const fields = { flowRun: flowRunId, error: textOf(error) };
    const isNews = isRetryable(error) ? this.#waiting.size === 0 : !this.#refused.has(flowRunId);
    if (isRetryable(error)) this.#waiting.add(flowRunId);
    else this.#refused.add(flowRunId);
    if (isNews) this.#log.warn("Could not finish with a flow run, trying again", fields);
    else this.#log.debug("Could not finish with a flow run", fields);
  }

  /** There is nothing left of this run. */
  forget(flowRunId: string): void {
    this.#refused.delete(flowRunId);
    this.#waiting.delete(flowRunId);
  }

  /** An API call for this run was answered. Returns the runs for which it is now worth to try again at once. */
  answered(flowRunId: string): string[] {
    this.#refused.delete(flowRunId);
    if (this.#waiting.size === 0) return [];
    const others = [...this.#waiting].filter((id) => id !== flowRunId);
    this.#waiting.clear();
    return others;
  }
}
