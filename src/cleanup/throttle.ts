// Throttle: limits concurrent calls to an API server. After a 429 (too many requests) all calls wait and the limit is halved;
// each success raises it a little. Other transient errors are retried.

import { backoffMs, retryAfterMs } from "../base/retry.ts";
import type { Clock } from "../base/clock.ts";
import { isRetryable } from "../base/errors.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";

/** Concurrent calls: far below the API server's own limit for one user. */
export const IN_FLIGHT = 32;

const BACKOFF = { firstMs: 250, maxMs: 10_000 };
/** Attempts of a call that fails with anything but 429. */
const MAX_ATTEMPTS = 6;
/** If the server answers nothing but 429 for this long, calls fail. */
const REFUSED_TIMEOUT_MS = 120_000;
const TOO_MANY_REQUESTS = 429;

/** The throttle of one command. Calls must not be nested: the outer call would block the inner one. */
export class Throttle {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #limit = IN_FLIGHT;
  #pausedUntilMs = 0;
  #lastSuccessMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastSuccessMs = this.#nowMs();
  }

  /** Calls, with retries. Throws the last error, or the first that no retry can fix. */
  async call<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 0; ;) {
      await this.#enter(signal);
      let delayMs: number;
      try {
        const answer = await request();
        this.#succeeded();
        return answer;
      } catch (error) {
        // Interrupted calls and unknown errors (bugs) are not retried.
        if (!(error instanceof KubeError) || !isRetryable(error) || signal.aborted) throw error;
        const isRefused = error.status === TOO_MANY_REQUESTS;
        const isTimedOut = this.#nowMs() - this.#lastSuccessMs > REFUSED_TIMEOUT_MS;
        if (isRefused ? isTimedOut : failures + 1 >= MAX_ATTEMPTS) throw error;
        delayMs = retryAfterMs(error) ?? backoffMs(BACKOFF, failures, this.#clock);
        failures++;
        if (isRefused) this.#pauseAll(delayMs);
      } finally {
        this.#running--;
        this.#wake();
      }
      await this.#clock.sleep(delayMs, signal);
    }
  }

  #succeeded(): void {
    this.#lastSuccessMs = this.#nowMs();
    this.#limit = Math.min(IN_FLIGHT, this.#limit + 1 / this.#limit);
  }

  /** Several 429s in one pause count as one: the limit is halved once. */
  #pauseAll(delayMs: number): void {
    if (this.#nowMs() >= this.#pausedUntilMs) this.#limit = Math.max(1, this.#limit / 2);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#nowMs() + delayMs);
  }

  async #enter(signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#pausedUntilMs - this.#nowMs();
      if (leftMs <= 0 && this.#isFree()) break;
      signal.throwIfAborted();
      if (leftMs > 0) await this.#clock.sleep(leftMs, signal);
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }

  #isFree(): boolean {
    return this.#running < Math.floor(this.#limit);
  }

  /** Wakes all waiting calls; each checks the limit again. */
  #wake(): void {
    if (this.#isFree()) for (const resume of this.#waiting.splice(0)) resume();
  }

  #nowMs(): number {
    return this.#clock.ticks();
  }
}

/** The same API, throttled. */
export function throttled(
  kube: Pick<KubeApi, "get" | "listPage">,
  throttle: Throttle,
  signal: AbortSignal,
): Pick<KubeApi, "get" | "listPage"> {
  return {
    get: (...args) => throttle.call(() => kube.get(...args), signal),
    listPage: (...args) => throttle.call(() => kube.listPage(...args), signal),
  };
}
