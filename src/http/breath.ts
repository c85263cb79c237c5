// One breath for several streams: what was read pauses until the next one, and then all of them read on at once.
// A busy watch brings a frame every few hundred microseconds, and waking for each takes longer than reading it. What a cluster
// tells in several watches belongs together: none of them must lag behind the others, as they would with pauses of their own.

/** No change waits longer for being read. */
const BREATH_MS = 10;

export interface Breathing {
  pause(): void;
  resume(): void;
}

/** Streams that pause together. */
export class Breath {
  readonly #held = new Set<Breathing>();

  /** It was read; what has come to it up to now is read to its end, what comes then waits for the next breath. */
  hold(stream: Breathing): void {
    if (this.#held.size === 0) setTimeout(() => this.#next(), BREATH_MS);
    if (this.#held.has(stream)) return;
    this.#held.add(stream);
    setImmediate(() => {
      if (this.#held.has(stream)) stream.pause();
    });
  }

  /** It has ended. */
  leave(stream: Breathing): void {
    this.#held.delete(stream);
  }

  #next(): void {
    const streams = [...this.#held];
    this.#held.clear();
    for (const stream of streams) stream.resume();
  }
}
