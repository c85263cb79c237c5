// Pace: calls to an API server that may say "not so fast". When one call hears it, all wait; a lone call that failed for
// a moment is tried again.

import { backoffMs, retryAfterMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { isRetryable } from "../base/errors.ts";
import { KubeError } from "../kube/errors.ts";

const SHAPE = { firstMs: 250, maxMs: 10_000 };
const TRIES = 6;

/** The pace of one sweep. */
export class Pace {
  readonly #clock: Clock;
  #notBeforeMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls, again after a pause where that can help. Throws the last error, or the first that no pause can mend. */
  async call<T>(what: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 0; ; failures++) {
      await this.#wait(signal);
      try {
        return await what();
      } catch (error) {
        // What the signal broke off is no failure of the call; unknown errors are bugs, and not to be repeated.
        const isTransient = error instanceof KubeError && isRetryable(error);
        if (!isTransient || failures + 1 >= TRIES || signal.aborted) throw error;
        const delayMs = retryAfterMs(error) ?? backoffMs(SHAPE, failures);
        if (error.status === 429) this.#holdAll(delayMs);
        else await this.#clock.sleep(delayMs, signal);
      }
    }
  }

  #holdAll(delayMs: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#clock.now().getTime() + delayMs);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#notBeforeMs - this.#clock.now().getTime();
      if (leftMs <= 0) return;
      signal.throwIfAborted();
      await this.#clock.sleep(leftMs, signal);
    }
  }
}
