// Outages: one line when one begins, one when it ends, a growing wait between tries; what is refused for good ends the agent.

import { backoffMs, retryAfterMs } from "../base/backoff.ts";
import { isRetryable, textOf } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import type { AgentDeps } from "./deps.ts";

const BACKOFF = { firstMs: 500, maxMs: 30_000 };
/** A refusal may be a hiccup of a proxy or a rollout; this many in a row are not. */
const REFUSALS = 3;

/** Tells of one dependency's outages. */
export class Outage {
  readonly #what: string;
  readonly #deps: Pick<AgentDeps, "log" | "clock">;
  #failures = 0;
  #refusals = 0;
  #since: Date | undefined;

  constructor(what: string, deps: Pick<AgentDeps, "log" | "clock">) {
    this.#what = what;
    this.#deps = deps;
  }

  /** One more failure: says so if it is the first, then waits. Throws a refusal that does not pass. */
  async failed(error: unknown, signal: AbortSignal): Promise<void> {
    this.noted(error);
    const delayMs = retryAfterMs(error) ?? backoffMs(BACKOFF, this.#failures - 1);
    await this.#deps.clock.sleep(delayMs, signal);
  }

  /** The same without the wait, for loops that wait by themselves. */
  noted(error: unknown): void {
    this.tell(error);
    if (this.#refusals >= REFUSALS) throw error;
  }

  /** Only says it: for loops whose end is somebody else's business. */
  tell(error: unknown): void {
    this.#failures++;
    this.#refusals = isRetryable(error) ? 0 : this.#refusals + 1;
    if (this.#since === undefined) {
      this.#since = this.#deps.clock.now();
      this.#deps.log.warn(`${this.#what} does not answer as it should, trying on`, { error: textOf(error) });
    }
  }

  /** It answers. */
  over(): void {
    if (this.#since !== undefined) {
      const after = formatDuration(this.#deps.clock.now().getTime() - this.#since.getTime());
      this.#deps.log.info(`${this.#what} is back`, { after, failures: this.#failures });
    }
    this.#failures = 0;
    this.#refusals = 0;
    this.#since = undefined;
  }
}

/** Calls until it is answered, telling of an outage once; undefined when the signal aborts. Throws a refusal that lasts. */
export async function untilAnswered<T>(
  outage: Outage,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      const answer = await call();
      outage.over();
      return answer;
    } catch (error) {
      if (!signal.aborted) await outage.failed(error, signal);
    }
  }
  return undefined;
}
