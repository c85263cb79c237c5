// A controller's work queue: a key that is already waiting is queued once, and each key has at most one worker at a time.

import type { Clock } from "./clock.ts";
import { backoffMs } from "./retry.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  /** Processes a key. Returns the delay in milliseconds after which to process it again, if any. */
  readonly work: (key: string) => Promise<number | undefined>;
  /** Called when `work` throws; the key is retried with backoff. Throwing here stops the queue. */
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
  #fatal: Error | undefined;
  #end: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait or are being processed. */
  get size(): number {
    return this.#ready.size + this.#active.size;
  }

  /** Processes keys until the signal aborts, then waits for the active workers. Rethrows what onError threw. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      this.#startWorkers();
      await new Promise<void>((resolve) => {
        this.#end = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    this.#stopped = true;
    for (const key of this.#delays.keys()) this.#clearDelay(key);
    if (this.#active.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#clearDelay(key);
    if (this.#active.has(key)) this.#addedWhileActive.add(key);
    else this.#ready.add(key);
    if (this.#end !== undefined) this.#startWorkers();
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
      const delayMs = await this.#options.work(key);
      this.#failures.delete(key);
      if (delayMs !== undefined) this.addAfter(key, delayMs);
    } catch (error) {
      this.#failed(key, error);
    }
    this.#active.delete(key);
    if (this.#addedWhileActive.delete(key)) this.#ready.add(key);
    if (!this.#stopped) this.#startWorkers();
    else if (this.#active.size === 0) this.#idle?.();
  }

  #failed(key: string, error: unknown): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    try {
      this.#options.onError(key, error);
      this.addAfter(key, backoffMs(BACKOFF, failures, this.#options.clock));
    } catch (fatal) {
      this.#fatal = fatal instanceof Error ? fatal : new Error(String(fatal));
      this.#end?.();
    }
  }
}
