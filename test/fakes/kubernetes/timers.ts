// Looking at a key again later: the soonest request counts.

import { setMaxListeners } from "node:events";
import type { Clock } from "../../../src/base/clock.ts";

/** One pending look per key. */
export class Timers {
  readonly #clock: Clock;
  readonly #look: (key: string) => void;
  readonly #due = new Map<string, number>();
  readonly #stop = new AbortController();

  constructor(clock: Clock, look: (key: string) => void) {
    this.#clock = clock;
    this.#look = look;
    setMaxListeners(0, this.#stop.signal);
  }

  /** Looks at the key in `ms` milliseconds, unless it does so sooner already. */
  in(ms: number, key: string): void {
    const at = this.#clock.now().getTime() + ms;
    if ((this.#due.get(key) ?? Infinity) <= at) return;
    this.#due.set(key, at);
    void this.#wait(ms, at, key);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #wait(ms: number, at: number, key: string): Promise<void> {
    await this.#clock.sleep(ms, this.#stop.signal);
    if (this.#stop.signal.aborted || this.#due.get(key) !== at) return;
    this.#due.delete(key);
    this.#look(key);
  }
}
