// Outages of an API: one log line when one begins, one when it ends, and a backoff between retries. An outage never ends the
// agent; credentials.ts decides when refusals do.

import { formatDuration } from "../base/duration.ts";
import { textOf } from "../base/errors.ts";
import { backoffMs, retryAfterMs } from "../base/retry.ts";
import { KubeError } from "../kube/client/errors.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { AgentDeps } from "./deps.ts";

const BACKOFF = { firstMs: 500, maxMs: 30_000 };

export class Outage {
  readonly #what: string;
  readonly #deps: Pick<AgentDeps, "log" | "clock">;
  #failures = 0;
  #since: number | undefined;

  constructor(what: string, deps: Pick<AgentDeps, "log" | "clock">) {
    this.#what = what;
    this.#deps = deps;
  }

  /** Records a failure, then waits before the next try. */
  async backOff(error: unknown, signal: AbortSignal): Promise<void> {
    this.record(error);
    const delayMs = retryAfterMs(error) ?? backoffMs(BACKOFF, this.#failures - 1, this.#deps.clock);
    await this.#deps.clock.sleep(delayMs, signal);
  }

  /** Counts a failure; logs the first. */
  record(error: unknown): void {
    this.#failures++;
    if (this.#since !== undefined) return;
    this.#since = this.#deps.clock.ticks();
    const hasDetail = error instanceof PrefectError || error instanceof KubeError;
    this.#deps.log.warn(`Cannot reach the ${this.#what}; retrying`, {
      error: hasDetail ? error.detail : textOf(error),
    });
  }

  get isOpen(): boolean {
    return this.#since !== undefined;
  }

  /** Call when a request succeeded. */
  recovered(): void {
    if (this.#since === undefined) return;
    const after = formatDuration(this.#deps.clock.ticks() - this.#since);
    this.#deps.log.info(`${this.#what} is back`, { after, failures: this.#failures });
    this.#failures = 0;
    this.#since = undefined;
  }
}
