// Retries calls to the API server, since one that fails for a passing reason must not leave an object behind. After a 429 (too
// many requests) a call waits as long as the server says.

import type { Clock } from "../base/clock.ts";
import { withRetry } from "../base/retry.ts";
import type { KubeApi } from "../kube/client/api.ts";

/** client-go also tries ten times. */
const RETRY = { shape: { firstMs: 250, maxMs: 10_000 }, attempts: 10 };

type Calls = Pick<KubeApi, "get" | "delete" | "listPage">;

/** The same API, with retries. */
export function retrying(kube: Calls, clock: Clock, signal: AbortSignal): Calls {
  const options = { ...RETRY, clock, signal };
  return {
    get: (...args) => withRetry(() => kube.get(...args), options),
    delete: (...args) => withRetry(() => kube.delete(...args), options),
    listPage: (...args) => withRetry(() => kube.listPage(...args), options),
  };
}
