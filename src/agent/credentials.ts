// What ends a running agent: credentials that an API refuses for good. One refused call may be a proxy's or a roll-out's
// doing, so what every valid key may ask is asked again, for a minute.

import { aborted, type Clock } from "../base/clock.ts";
import { isRetryable } from "../base/errors.ts";
import { runAll } from "../base/run-all.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";

type Api = "prefect" | "kubernetes";
type CheckedApis = { readonly kube: Pick<KubeApi, "canI">; readonly work: Pick<WorkSource, "authenticate"> };

const RETRY_MS = 5_000;
/** How long the credentials must be refused without a break. */
const REFUSED_MS = 60_000;

/** Watches the credentials of both APIs. One that does not answer does not keep the other from being asked. */
export class CredentialCheck {
  readonly #clock: Clock;
  /** Aborted when the API has refused a call. */
  readonly #suspicions = { prefect: new AbortController(), kubernetes: new AbortController() };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  suspect(api: Api): void {
    this.#suspicions[api].abort();
  }

  /** Runs until the signal aborts. Throws the API's error when its credentials have been refused for a minute. */
  async run({ kube, work }: CheckedApis, signal: AbortSignal): Promise<void> {
    const access = { verb: "list", group: "batch", resource: "jobs" };
    await runAll(
      signal,
      (s) => this.#watch("prefect", () => work.authenticate(s), s),
      (s) => this.#watch("kubernetes", () => kube.canI(access, s), s),
    );
  }

  async #watch(api: Api, ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await aborted(AbortSignal.any([signal, this.#suspicions[api].signal]));
      await this.#check(ask, signal);
      this.#suspicions[api] = new AbortController();
    }
  }

  /** Asks what needs valid credentials and no permission, until the API knows who asks. */
  async #check(ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    let since: number | undefined;
    while (!signal.aborted) {
      try {
        await ask();
        return;
      } catch (error) {
        // Forbidden, but known.
        if (!isRefusal(error) && !isRetryable(error) && !isOfPlugin(error)) return;
        const now = this.#clock.ticks();
        // An API that does not answer does not refuse.
        since = isRefusal(error) ? (since ?? now) : undefined;
        if (since !== undefined && now - since >= REFUSED_MS) throw error;
        await this.#clock.sleep(RETRY_MS, signal);
      }
    }
  }
}

/** Whether the API answered, and refused the credentials. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof KubeError) return error.status === 401 && !isOfPlugin(error);
  return error instanceof PrefectError && !error.retryable;
}

/** Whether a credential plugin or provider failed, so that the API was asked nothing. */
function isOfPlugin(error: unknown): boolean {
  return error instanceof KubeError && error.reason === "CredentialPlugin";
}
