// Notices that this process stood still for a while: it was stopped by a signal, its machine slept, or it got no processor
// time. What it has cached is then old, and another process may have taken over its work.

import type { Clock } from "./clock.ts";

const TICK_MS = 1_000;
/** Shorter pauses are harmless: nobody takes over so fast. */
const PAUSE_MS = 5_000;

export class PauseDetector {
  readonly #clock: Clock;
  /** The ticks of Linux stand still, too, while a machine sleeps, but not the time of day: the later of the two counts. */
  #lastTick: number;
  #lastTime: number;
  #pauses = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastTick = clock.ticks();
    this.#lastTime = clock.now().getTime();
  }

  /** Ticks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#count();
      await this.#clock.sleep(TICK_MS, signal);
    }
  }

  /** How many pauses there were, including one that has just ended and that no timer has noticed yet. */
  get pauses(): number {
    if (this.#sinceLast() > PAUSE_MS) this.#count();
    return this.#pauses;
  }

  #count(): void {
    if (this.#sinceLast() > PAUSE_MS) this.#pauses++;
    this.#lastTick = this.#clock.ticks();
    this.#lastTime = this.#clock.now().getTime();
  }

  #sinceLast(): number {
    return Math.max(this.#clock.ticks() - this.#lastTick, this.#clock.now().getTime() - this.#lastTime);
  }
}
