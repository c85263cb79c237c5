// What ends a running agent: credentials that an API refuses for good. One refused call may be a proxy's or a roll-out's
// doing, so what every valid key may ask is asked again, for a minute.

import type { Clock } from "../base/clock.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";

export type Api = "prefect" | "kubernetes";
type CheckedApis = { readonly kube: Pick<KubeApi, "canI">; readonly work: Pick<WorkSource, "authenticate"> };

const RETRY_MS = 5_000;
/** suspect() wakes it earlier. */
const IDLE_MS = 3_600_000;
/** How long the credentials must be refused without a break. */
const REFUSED_MS = 60_000;

/** Watches the credentials of both APIs. */
export class CredentialCheck {
  readonly #clock: Clock;
  readonly #suspected = new Set<Api>();
  #wake = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Call when an API has refused a call for its credentials. */
  suspect(api: Api): void {
    this.#suspected.add(api);
    this.#wake.abort();
  }

  /** Runs until the signal aborts. Throws the API's error when its credentials have been refused for a minute. */
  async run(deps: CheckedApis, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      for (const api of this.#suspected) await this.#check(deps, api, signal);
      if (this.#suspected.size === 0)
        await this.#clock.sleep(IDLE_MS, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  /** Asks what needs valid credentials and no permission, until the API accepts them. */
  async #check({ kube, work }: CheckedApis, api: Api, signal: AbortSignal): Promise<void> {
    const ask = (): Promise<unknown> =>
      api === "prefect"
        ? work.authenticate(signal)
        : kube.canI({ verb: "list", group: "batch", resource: "jobs" }, signal);
    let since: number | undefined;
    while (!signal.aborted) {
      try {
        await ask();
        break;
      } catch (error) {
        const now = this.#clock.ticks();
        // An API that does not answer does not refuse.
        since = isRefusal(error) ? (since ?? now) : undefined;
        if (since !== undefined && now - since >= REFUSED_MS) throw error;
        await this.#clock.sleep(RETRY_MS, signal);
      }
    }
    this.#suspected.delete(api);
  }
}

/** Whether the API answered, and refused the credentials. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof KubeError) return error.status === 401;
  return error instanceof PrefectError && !error.retryable;
}
