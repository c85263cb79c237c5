// Retries with exponential backoff.

import type { Clock } from "./clock.ts";
import { ExpectedError, isRetryable } from "./errors.ts";

export interface BackoffShape {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The delay after so many failures in a row: random between half and all of firstMs·2^failures, capped at maxMs. */
export function backoffMs(shape: BackoffShape, failures: number, clock: Pick<Clock, "random">): number {
  const ceiling = Math.min(shape.maxMs, shape.firstMs * 2 ** Math.min(failures, 30));
  return ceiling / 2 + (ceiling / 2) * clock.random();
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly shape: BackoffShape;
  /** The maximum number of calls, maybe by the error; default: retry until the signal aborts. */
  readonly attempts?: number | ((error: unknown) => number);
  /** Called before each retry. */
  readonly onRetry?: ((error: unknown) => void) | undefined;
}

/** Retries until the call succeeds. Throws an error that is not retryable, and the last error after all attempts or an abort. */
export async function withRetry<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts = Infinity, signal } = options;
  for (let failures = 0; ; failures++) {
    try {
      return await call();
    } catch (error) {
      const most = typeof attempts === "number" ? attempts : attempts(error);
      if (failures + 1 >= most || signal?.aborted === true || !isRetryable(error)) throw error;
      const delayMs = retryAfterMs(error) ?? backoffMs(options.shape, failures, options.clock);
      options.onRetry?.(error);
      await options.clock.sleep(delayMs, signal);
    }
  }
}

/** The delay that the server asked for. */
export function retryAfterMs(error: unknown): number | undefined {
  return error instanceof ExpectedError ? error.retryAfterMs : undefined;
}
