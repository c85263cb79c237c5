// Retries calls that fail for a passing reason: to the API server, since they must not leave an object behind; to Prefect, since
// without its answer a Job of a living run is not told from others, and a cancelled run stays Cancelling.

import type { Clock } from "../base/clock.ts";
import { withRetry } from "../base/retry.ts";
import { isMissing } from "../inventory/listing.ts";
import type { StateSources } from "../inventory/run-states.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";

const SHAPE = { firstMs: 250, maxMs: 10_000 };
const ATTEMPTS = 6;
/** A server that has too much to do says how long to wait. */
const BUSY_ATTEMPTS = 60;
const PREFECT_ATTEMPTS = 4;

type Calls = Pick<KubeApi, "get" | "delete" | "listPage">;

/** The same API, with retries. */
export function retrying(kube: Calls, clock: Clock, signal: AbortSignal): Calls {
  const retry = <T>(call: () => Promise<T>, isFinal = (_error: unknown) => false): Promise<T> => {
    const attempts = (error: unknown): number => {
      if (isFinal(error)) return 1;
      return error instanceof KubeError && error.status === 429 ? BUSY_ATTEMPTS : ATTEMPTS;
    };
    return withRetry(call, { shape: SHAPE, clock, signal, attempts });
  };
  return {
    get: (...args) => retry(() => kube.get(...args)),
    delete: (...args) => {
      let calls = 0;
      return retry(async () => {
        const isRepeated = calls++ > 0;
        const outcome = await kube.delete(...args);
        // The answer of the first call was lost.
        return isRepeated && outcome === "gone" ? "deleted" : outcome;
      });
    },
    listPage: (resource, ...rest) =>
      retry(
        () => kube.listPage(resource, ...rest),
        (error) => isMissing(resource, error),
      ),
  };
}

/** The same Prefect APIs, with retries of what reads and cancels flow runs; the error before each retry is told. */
export function retryingPrefect(
  sources: StateSources,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  onRetry: (error: unknown) => void,
): StateSources {
  const retry = <T>(call: () => Promise<T>): Promise<T> =>
    withRetry(call, { shape: SHAPE, attempts: PREFECT_ATTEMPTS, clock, signal, onRetry });
  const directory = (api: RunDirectory | undefined): RunDirectory | undefined =>
    api && {
      ...api,
      runs: (...args) => retry(() => api.runs(...args)),
      knownIds: (...args) => retry(() => api.knownIds(...args)),
      tenantId: (...args) => retry(() => api.tenantId(...args)),
      cancel: (...args) => retry(() => api.cancel(...args)),
      setCancelled: (id, message) => {
        let calls = 0;
        return retry(async () => {
          // While it waited, the state may have moved.
          if (calls++ > 0 && (await api.runs([id])).get(id)?.state.type !== "cancelling") return;
          await api.setCancelled(id, message);
        });
      },
    };
  return { 1: directory(sources[1]), 2: directory(sources[2]) };
}
