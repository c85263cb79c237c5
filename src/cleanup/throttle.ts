// Throttle: calls to an API server that may say "not so fast". When one call hears it, all wait, and half as many go on at
// once; with each answer the throttle recovers a little. A lone call that failed for a moment is tried again.

import { backoffMs, retryAfterMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { isRetryable } from "../base/errors.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";

/** Calls under way at once: the API server's own share for one user stays far from full. */
export const IN_FLIGHT = 32;

const SHAPE = { firstMs: 250, maxMs: 10_000 };
/** Of a call that fails otherwise than by "not so fast". */
const TRIES = 6;
/** A server that has refused everything for so long is not just busy. */
const PATIENCE_MS = 120_000;
const TOO_MANY_REQUESTS = 429;

/** The throttle of one piece of work. Calls must not be nested: the outer one would hold the inner one's place. */
export class Throttle {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #width = IN_FLIGHT;
  #notBeforeMs = 0;
  #answeredAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#answeredAtMs = this.#nowMs();
  }

  /** Calls, again after a pause where that can help. Throws the last error, or the first that no pause can mend. */
  async call<T>(what: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 0; ;) {
      await this.#enter(signal);
      let delayMs: number;
      try {
        const answer = await what();
        this.#answered();
        return answer;
      } catch (error) {
        // What the signal broke off is no failure of the call; unknown errors are bugs, and not to be repeated.
        if (!(error instanceof KubeError) || !isRetryable(error) || signal.aborted) throw error;
        const isRefused = error.status === TOO_MANY_REQUESTS;
        const isFutile = this.#nowMs() - this.#answeredAtMs > PATIENCE_MS;
        if (isRefused ? isFutile : failures + 1 >= TRIES) throw error;
        delayMs = retryAfterMs(error) ?? backoffMs(SHAPE, failures);
        failures++;
        if (isRefused) this.#holdAll(delayMs);
      } finally {
        this.#running--;
        this.#wake();
      }
      await this.#clock.sleep(delayMs, signal);
    }
  }

  #answered(): void {
    this.#answeredAtMs = this.#nowMs();
    this.#width = Math.min(IN_FLIGHT, this.#width + 1 / this.#width);
  }

  /** Those that were under way together hear it together: that is one refusal. */
  #holdAll(delayMs: number): void {
    if (this.#nowMs() >= this.#notBeforeMs) this.#width = Math.max(1, this.#width / 2);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#nowMs() + delayMs);
  }

  async #enter(signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#notBeforeMs - this.#nowMs();
      if (leftMs <= 0 && this.#isFree()) break;
      signal.throwIfAborted();
      if (leftMs > 0) await this.#clock.sleep(leftMs, signal);
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }

  #isFree(): boolean {
    return this.#running < Math.floor(this.#width);
  }

  /** All of them look again: who of them goes on is decided there. */
  #wake(): void {
    if (this.#isFree()) for (const resume of this.#waiting.splice(0)) resume();
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }
}

/** The same API at this throttle. */
export function throttled(
  kube: Pick<KubeApi, "get" | "listPage">,
  throttle: Throttle,
  signal: AbortSignal,
): Pick<KubeApi, "get" | "listPage"> {
  return {
    get: (...asked) => throttle.call(() => kube.get(...asked), signal),
    listPage: (...asked) => throttle.call(() => kube.listPage(...asked), signal),
  };
}
