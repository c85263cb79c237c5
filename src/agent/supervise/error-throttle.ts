// Logs errors of flow runs once per outage of an API and once per rejected run, not at every retry.

import { isRetryable, textOf } from "../../base/errors.ts";
import { PrefectError } from "../../orchestrator/errors.ts";
import type { SharedState } from "../shared-state.ts";

export class ErrorThrottle {
  readonly #deps: Pick<SharedState, "log" | "outage">;
  /** Runs that wait for the end of an outage. */
  readonly #waiting = new Set<string>();
  readonly #rejected = new Set<string>();

  constructor(deps: Pick<SharedState, "log" | "outage">) {
    this.#deps = deps;
  }

  /** Records a failure; the queue retries the run. */
  failed(flowRunId: string, error: unknown): void {
    const { log, outage } = this.#deps;
    const fields = { flowRun: flowRunId, error: textOf(error) };
    const isPassing = isRetryable(error);
    const isFirst = isPassing ? this.#waiting.size === 0 : !this.#rejected.has(flowRunId);
    (isPassing ? this.#waiting : this.#rejected).add(flowRunId);
    const isOutage = error instanceof PrefectError && error.failure === "unreachable";
    if (isOutage) outage.tell(error);
    if (isFirst && !isOutage) log.warn("Could not process a flow run, retrying", fields);
    else log.debug("Could not process a flow run", fields);
  }

  forget(flowRunId: string): void {
    this.#rejected.delete(flowRunId);
    this.#waiting.delete(flowRunId);
  }

  /** Call when the API accepted a request for this run. Returns the other runs to retry at once. */
  succeeded(flowRunId: string): string[] {
    this.#rejected.delete(flowRunId);
    const others = [...this.#waiting].filter((id) => id !== flowRunId);
    this.#waiting.clear();
    return others;
  }
}
