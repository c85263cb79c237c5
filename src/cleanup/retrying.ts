// Retries calls to the API server, since one that fails for a passing reason must not leave an object behind.

import type { Clock } from "../base/clock.ts";
import { withRetry } from "../base/retry.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";

const RETRY = { shape: { firstMs: 250, maxMs: 10_000 }, attempts: 6 };
/** A server that has too much to do (429) says how long to wait: it is given so many times the attempts. */
const ROUNDS_OF_429 = 10;

type Calls = Pick<KubeApi, "get" | "delete" | "listPage">;

/** The same API, with retries. */
export function retrying(kube: Calls, clock: Clock, signal: AbortSignal): Calls {
  const retry = async <T>(call: () => Promise<T>, rounds = ROUNDS_OF_429): Promise<T> => {
    try {
      return await withRetry(call, { ...RETRY, clock, signal });
    } catch (error) {
      const isBusy = error instanceof KubeError && error.status === 429;
      if (!isBusy || rounds <= 1 || signal.aborted) throw error;
      return retry(call, rounds - 1);
    }
  };
  return {
    get: (...args) => retry(() => kube.get(...args)),
    delete: (...args) => retry(() => kube.delete(...args)),
    listPage: (...args) => retry(() => kube.listPage(...args)),
  };
}
