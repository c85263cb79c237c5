// How long to wait after the n-th failure in a row, and the loop that does so.

import type { Clock } from "./clock.ts";
import { isRetryable } from "./errors.ts";

export interface BackoffShape {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Exponential with full jitter over its upper half: between half and all of first·2^n, at most maxMs. */
export function backoffMs(shape: BackoffShape, failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(shape.maxMs, shape.firstMs * 2 ** Math.min(failures, 30));
  return ceiling / 2 + (ceiling / 2) * random();
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly shape: BackoffShape;
  /** Calls in all; without it until the signal aborts. */
  readonly attempts?: number;
  /** Told of each failure that will be tried again. */
  readonly onRetry?: (error: unknown, delayMs: number) => void;
}

/** Calls until it succeeds; throws what is not retryable, and the last error when tries or the signal end. */
export async function withRetry<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await call();
    } catch (error) {
      const last = options.attempts !== undefined && failures + 1 >= options.attempts;
      if (last || options.signal?.aborted === true || !isRetryable(error)) throw error;
      const delayMs = retryAfterMs(error) ?? backoffMs(options.shape, failures);
      options.onRetry?.(error, delayMs);
      await options.clock.sleep(delayMs, options.signal);
    }
  }
}

/** The wait that the server asked for with Retry-After, if the error carries one. */
export function retryAfterMs(error: unknown): number | undefined {
  const asked = error instanceof Error && "retryAfterMs" in error ? error.retryAfterMs : undefined;
  return typeof asked === "number" ? Math.min(asked, 300_000) : undefined;
}
