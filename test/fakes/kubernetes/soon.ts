// A set of keys to look at soon: after the present turn, once each however often they were added.

import type { Clock } from "../../../src/base/clock.ts";

/** Merges repeated keys and hands them over one after another, never inside the call that added them. */
export class Soon {
  readonly #work: (key: string) => void;
  readonly #keys = new Set<string>();
  readonly #clock: Pick<Clock, "soon">;
  #isDue = false;
  #stopped = false;

  constructor(clock: Pick<Clock, "soon">, work: (key: string) => void) {
    this.#clock = clock;
    this.#work = work;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#keys.add(key);
    this.#schedule();
  }

  /** Forgets what waits, and takes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#keys.clear();
  }

  #schedule(): void {
    if (this.#isDue || this.#stopped) return;
    this.#isDue = true;
    this.#clock.soon(() => this.#run());
  }

  #run(): void {
    this.#isDue = false;
    // A bounded share per turn, so that a burst of changes does not keep requests waiting.
    const share = [...this.#keys].slice(0, 200);
    for (const key of share) {
      this.#keys.delete(key);
      this.#work(key);
    }
    if (this.#keys.size > 0) this.#schedule();
  }
}
