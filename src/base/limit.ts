// At most N at once.

/** Runs tasks with bounded concurrency, first come first served. */
export class Limit {
  readonly #size: number;
  readonly #queue: (() => void)[] = [];
  #watchers: { readonly than: number; readonly resolve: () => void }[] = [];
  #running = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get running(): number {
    return this.#running;
  }

  /** Resolves when fewer than so many tasks wait for their turn, or when the signal aborts. */
  async fewerWaiting(than: number, signal: AbortSignal): Promise<void> {
    if (this.#queue.length < than || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const settled = (): void => {
        signal.removeEventListener("abort", settled);
        resolve();
      };
      signal.addEventListener("abort", settled, { once: true });
      this.#watchers.push({ than, resolve: settled });
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
      if (this.#watchers.length > 0) this.#tell();
    }
  }

  #tell(): void {
    const waiting = this.#queue.length;
    for (const { than, resolve } of this.#watchers) if (waiting < than) resolve();
    this.#watchers = this.#watchers.filter(({ than }) => waiting >= than);
  }
}
