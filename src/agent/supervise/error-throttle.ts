// What the agent's own log says of flow runs that it cannot finish: one line per outage of an API, one per run that is
// refused; not one per try.

import { isRetryable, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";

export class ErrorThrottle {
  readonly #log: Log;
  /** Runs that wait for the end of an outage. */
  readonly #waiting = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** One more failure; the run comes again by itself. */
  failed(flowRunId: string, error: unknown): void {
    const fields = { flowRun: flowRunId, error: textOf(error) };
    const isFirst = isRetryable(error) ? this.#waiting.size === 0 : !this.#refused.has(flowRunId);
    if (isRetryable(error)) this.#waiting.add(flowRunId);
    else this.#refused.add(flowRunId);
    if (isFirst) this.#log.warn("Could not finish a flow run, trying again", fields);
    else this.#log.debug("Could not finish a flow run", fields);
  }

  /** Nothing of this run is left. */
  forget(flowRunId: string): void {
    this.#refused.delete(flowRunId);
    this.#waiting.delete(flowRunId);
  }

  /** An API call for this run succeeded. Returns the runs that are now worth another try at once. */
  succeeded(flowRunId: string): string[] {
    this.#refused.delete(flowRunId);
    if (this.#waiting.size === 0) return [];
    const others = [...this.#waiting].filter((id) => id !== flowRunId);
    this.#waiting.clear();
    return others;
  }
}
