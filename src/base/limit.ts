// A limit on tasks that run at the same time.

/** Limits how many tasks run at the same time; the others wait in a queue, first in, first out. */
export class Limit {
  readonly #size: number;
  readonly #queue: (() => void)[] = [];
  #watchers: { readonly length: number; readonly resolve: () => void }[] = [];
  #running = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get running(): number {
    return this.#running;
  }

  /** Resolves when fewer than `length` tasks are queued, or when the signal aborts. */
  async waitForQueueBelow(length: number, signal: AbortSignal): Promise<void> {
    if (this.#queue.length < length || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done, { once: true });
      this.#watchers.push({ length, resolve: done });
    });
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#size) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running--;
      else next();
      if (this.#watchers.length > 0) this.#notifyWatchers();
    }
  }

  #notifyWatchers(): void {
    const queued = this.#queue.length;
    for (const { length, resolve } of this.#watchers) if (queued < length) resolve();
    this.#watchers = this.#watchers.filter(({ length }) => queued >= length);
  }
}
