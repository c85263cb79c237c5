// A controller's work queue: a key that is already waiting is queued once, and each key has at most one worker at a time.

import { aborted, type Clock } from "./clock.ts";
import { backoffMs } from "./retry.ts";

/** When to process a key again: after so many milliseconds; `again`: with backoff, as after an error; undefined: when it is added. */
export type Requeue = number | "again" | undefined;

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  readonly work: (key: string) => Promise<Requeue>;
  /** Called when `work` throws; the key is retried with backoff. */
  readonly onError: (key: string, error: unknown) => void;
}

const BACKOFF = { firstMs: 500, maxMs: 15_000 };

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #addedWhileActive = new Set<string>();
  /** Until which tick of the clock a key waits. */
  readonly #delays = new Map<string, { readonly dueAt: number; readonly sleep: AbortController }>();
  readonly #failures = new Map<string, number>();
  #idle: (() => void) | undefined;
  #stopped = false;
  #isRunning = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait or are being processed. */
  get size(): number {
    return this.#ready.size + this.#active.size;
  }

  /** Processes keys until the signal aborts, then waits for the active workers. */
  async run(signal: AbortSignal): Promise<void> {
    this.#isRunning = !signal.aborted;
    if (this.#isRunning) this.#startWorkers();
    await aborted(signal);
    this.#stopped = true;
    for (const key of this.#delays.keys()) this.#clearDelay(key);
    if (this.#active.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#clearDelay(key);
    if (this.#active.has(key)) this.#addedWhileActive.add(key);
    else this.#ready.add(key);
    if (this.#isRunning) this.#startWorkers();
  }

  /** Adds the key after a delay, unless it is already due sooner. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const dueAt = this.#options.clock.ticks() + ms;
    const delay = this.#delays.get(key);
    if (delay !== undefined && delay.dueAt <= dueAt) return;
    this.#clearDelay(key);
    const sleep = new AbortController();
    this.#delays.set(key, { dueAt, sleep });
    void this.#options.clock.sleep(ms, sleep.signal).then(() => {
      if (sleep.signal.aborted) return;
      this.#delays.delete(key);
      this.add(key);
    });
  }

  #clearDelay(key: string): void {
    // Without a reason, abort() would make an error with a stack trace.
    this.#delays.get(key)?.sleep.abort("not needed");
    this.#delays.delete(key);
  }

  #startWorkers(): void {
    for (const key of this.#ready) {
      if (this.#active.size >= this.#options.concurrency) return;
      this.#ready.delete(key);
      this.#active.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const requeue = await this.#options.work(key);
      if (requeue === "again") this.#retry(key);
      else this.#failures.delete(key);
      if (typeof requeue === "number") this.addAfter(key, requeue);
    } catch (error) {
      this.#options.onError(key, error);
      this.#retry(key);
    }
    this.#active.delete(key);
    if (this.#addedWhileActive.delete(key)) this.#ready.add(key);
    if (!this.#stopped) this.#startWorkers();
    else if (this.#active.size === 0) this.#idle?.();
  }

  #retry(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, backoffMs(BACKOFF, failures, this.#options.clock));
  }
}
