// A clock whose time passes only when a test lets it.

import { TestClock } from "./clock.ts";

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export class VirtualClock extends TestClock {
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start = new Date("2026-11-21T12:00:00Z")) {
    super();
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { untilMs: this.#nowMs + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Lets all that is due now run, then passes time until the next sleeper wakes. */
  async advance(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    const next = [...this.#sleepers].sort((left, right) => left.untilMs - right.untilMs)[0];
    if (next === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, next.untilMs);
    next.wake();
  }
}
