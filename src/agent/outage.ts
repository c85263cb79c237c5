// Outages of an API: one log line when one begins, one when it ends, and a backoff between retries. If requests are rejected
// again and again, the agent stops.

import { backoffMs, retryAfterMs } from "../base/retry.ts";
import { isRetryable, textOf } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import type { AgentDeps } from "./deps.ts";

const BACKOFF = { firstMs: 500, maxMs: 30_000 };
/** A single rejection may come from a proxy or a rollout; after this many in a row the agent stops. */
const MAX_REFUSALS = 3;

/** The outages of one API. */
export class Outage {
  readonly #what: string;
  readonly #deps: Pick<AgentDeps, "log" | "clock">;
  #failures = 0;
  #refusals = 0;
  #since: Date | undefined;

  constructor(what: string, deps: Pick<AgentDeps, "log" | "clock">) {
    this.#what = what;
    this.#deps = deps;
  }

  /** Records a failure, then waits before the next try. Throws the last of MAX_REFUSALS rejections. */
  async backOff(error: unknown, signal: AbortSignal): Promise<void> {
    this.recordOrThrow(error);
    const delayMs = retryAfterMs(error) ?? backoffMs(BACKOFF, this.#failures - 1);
    await this.#deps.clock.sleep(delayMs, signal);
  }

  /** The same without waiting, for loops that wait by themselves. */
  recordOrThrow(error: unknown): void {
    this.record(error);
    if (this.#refusals >= MAX_REFUSALS) throw error;
  }

  /** Counts and logs a failure, never throws. */
  record(error: unknown): void {
    this.#failures++;
    this.#refusals = isRetryable(error) ? 0 : this.#refusals + 1;
    if (this.#since === undefined) {
      this.#since = this.#deps.clock.now();
      this.#deps.log.warn(`Cannot reach the ${this.#what}; retrying`, { error: textOf(error) });
    }
  }

  /** Call when a request succeeded. */
  recovered(): void {
    if (this.#since !== undefined) {
      const after = formatDuration(this.#deps.clock.now().getTime() - this.#since.getTime());
      this.#deps.log.info(`${this.#what} is back`, { after, failures: this.#failures });
    }
    this.#failures = 0;
    this.#refusals = 0;
    this.#since = undefined;
  }
}

/** Retries a call until it succeeds; undefined when the signal aborts. Throws if it is rejected again and again. */
export async function retryUntilSuccess<T>(
  outage: Outage,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      const result = await call();
      outage.recovered();
      return result;
    } catch (error) {
      if (!signal.aborted) await outage.backOff(error, signal);
    }
  }
  return undefined;
}
