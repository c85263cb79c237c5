// Logs errors of flow runs once per outage of an API and once per rejected run, not at every retry.

import { isRetryable, textOf } from "../../base/errors.ts";
import { PrefectError } from "../../orchestrator/errors.ts";
import type { SharedState } from "../shared-state.ts";

/** Within this time a poll has noticed that Prefect does not answer, and tells of it. */
const POLL_NOTICES_MS = 15_000;

type Deps = Pick<SharedState, "clock" | "log" | "outage">;

export class ErrorThrottle {
  readonly #deps: Deps;
  /** Runs that wait for the end of an outage. */
  readonly #waiting = new Set<string>();
  readonly #rejected = new Set<string>();
  /** The tick of each run's first failure since it last succeeded. */
  readonly #since = new Map<string, number>();
  #isTold = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Records a failure; the queue retries the run. */
  failed(flowRunId: string, error: unknown): void {
    const { clock, log } = this.#deps;
    const now = clock.ticks();
    const since = this.#since.get(flowRunId) ?? now;
    this.#since.set(flowRunId, since);
    const fields = { flowRun: flowRunId, error: textOf(error) };
    if (this.#isNew(flowRunId, error, now - since))
      log.warn("Could not process a flow run, retrying", fields);
    else log.debug("Could not process a flow run", fields);
  }

  #isNew(flowRunId: string, error: unknown, failingMs: number): boolean {
    if (!isRetryable(error)) {
      if (this.#rejected.has(flowRunId)) return false;
      this.#rejected.add(flowRunId);
      return true;
    }
    this.#waiting.add(flowRunId);
    const isUnreachable = error instanceof PrefectError && error.failure === "unreachable";
    const tellsPoll = isUnreachable && (this.#deps.outage.isOpen || failingMs < POLL_NOTICES_MS);
    if (this.#isTold || tellsPoll) return false;
    this.#isTold = true;
    return true;
  }

  forget(flowRunId: string): void {
    this.#rejected.delete(flowRunId);
    this.#waiting.delete(flowRunId);
    this.#since.delete(flowRunId);
  }

  /** Call when the API accepted a request for this run. Returns the other runs to retry at once. */
  succeeded(flowRunId: string): string[] {
    this.forget(flowRunId);
    const others = [...this.#waiting];
    this.#waiting.clear();
    this.#isTold = false;
    return others;
  }
}
