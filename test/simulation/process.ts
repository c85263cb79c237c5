// A process of the simulation: it can stand still (SIGSTOP, a sleeping machine), be killed, and have its clock set.

import type { Clock } from "../../src/base/clock.ts";
import type { VirtualTime } from "./virtual-time.ts";

export class Process {
  readonly #time: VirtualTime;
  readonly #startMs: number;
  readonly #backlog: (() => void)[] = [];
  readonly #ended = new AbortController();
  /** Whether it stands still. */
  isPaused = false;
  /** How far its clock is ahead of the true time. */
  skewMs = 0;
  readonly clock: Clock;

  constructor(time: VirtualTime, random: () => number) {
    this.#time = time;
    this.#startMs = time.nowMs;
    this.clock = {
      now: () => new Date(time.nowMs + this.skewMs),
      ticks: () => time.nowMs - this.#startMs,
      soon: (callback) => void this.after(0, callback),
      random,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted === true) return resolve();
          const finish = (): void => {
            cancel();
            signal?.removeEventListener("abort", finish);
            resolve();
          };
          const cancel = this.after(ms, finish);
          signal?.addEventListener("abort", finish, { once: true });
        }),
    };
  }

  /** Aborts when it is killed. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Runs the function in this process after so many milliseconds; if it stands still then, when it goes on. */
  after(ms: number, run: () => void): () => void {
    let isCancelled = false;
    const cancel = this.#time.after(ms, () => {
      this.deliver(() => {
        if (!isCancelled) run();
      });
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Runs the function in this process now; if it stands still, when it goes on. */
  deliver(run: () => void): void {
    if (this.#ended.signal.aborted) return;
    if (this.isPaused) this.#backlog.push(run);
    else run();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    // One after another: what the first does may change what the next finds.
    for (const run of this.#backlog.splice(0)) this.#time.after(0, () => this.deliver(run));
  }

  /** Nothing of it runs any more; its connections break. */
  kill(): void {
    this.#ended.abort();
    this.#backlog.length = 0;
  }
}
