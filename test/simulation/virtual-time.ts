// Time that moves only when everything that happens now has happened. Whatever waits stands in one queue, so that the same
// world runs the same way each time.

interface Entry {
  readonly atMs: number;
  /** Entries of the same moment run in the order in which they were added. */
  readonly order: number;
  run: (() => void) | undefined;
}

export class VirtualTime {
  #nowMs: number;
  #order = 0;
  readonly #heap: Entry[] = [];

  constructor(start = new Date("2026-11-21T12:00:00Z")) {
    this.#nowMs = start.getTime();
  }

  /** The true time, in milliseconds since 1970. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs the function after this many milliseconds, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** Lets this many milliseconds pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#runUntil(untilMs, () => false);
    this.#nowMs = untilMs;
  }

  /** Lets time pass until the condition holds. Throws when it does not within this many milliseconds. */
  async until(condition: () => boolean, limitMs: number): Promise<void> {
    if (await this.#runUntil(this.#nowMs + limitMs, condition)) return;
    throw new Error(`it is still not so after ${limitMs / 1_000} s: ${condition.toString()}`);
  }

  async #runUntil(untilMs: number, condition: () => boolean): Promise<boolean> {
    for (;;) {
      // All promises that can go on do so before an immediate runs.
      await new Promise((resolve) => setImmediate(resolve));
      if (condition()) return true;
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) return false;
      this.#pop();
      if (next.run === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent], entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child] as Entry)) child++;
      if (isBefore(last, heap[child] as Entry)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Entry | undefined, other: Entry): boolean {
  if (one === undefined) return false;
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** Random numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
