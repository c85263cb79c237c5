// A controller's work queue: a key that is already waiting is queued once, and each key has at most one worker at a time.

import type { Clock } from "./clock.ts";
import { backoffMs } from "./retry.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Keys processed at the same time. */
  readonly concurrency: number;
  /** Processes a key. Returns the delay in milliseconds after which to process it again, if any. */
  readonly work: (key: string) => Promise<number | undefined>;
  /** A monotonic clock; default: performance.now(). */
  readonly nowMs?: () => number;
  /** Called when `work` throws; the key is retried with backoff. Throwing here stops the queue. */
  readonly onError: (key: string, error: unknown) => void;
}

const BACKOFF = { firstMs: 500, maxMs: 15_000 };
/** Keys that are due within the same slot share one timer. */
const SLOT_MS = 20;

interface Slot {
  readonly keys: Set<string>;
  readonly sleep: AbortController;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #nowMs: () => number;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #addedWhileActive = new Set<string>();
  /** When each delayed key is due, in milliseconds of `nowMs`, rounded up to a slot. */
  readonly #due = new Map<string, number>();
  /** The delayed keys by due time. */
  readonly #slots = new Map<number, Slot>();
  readonly #failures = new Map<string, number>();
  #idle: (() => void)[] = [];
  #stopped = false;
  #fatal: { readonly error: Error } | undefined;
  #end: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
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
    this.#due.clear();
    for (const { sleep } of this.#slots.values()) sleep.abort();
    this.#slots.clear();
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#enqueue(key);
    this.#startIfRunning();
  }

  #enqueue(key: string): void {
    this.#clearDelay(key);
    if (this.#active.has(key)) this.#addedWhileActive.add(key);
    else this.#ready.add(key);
  }

  #startIfRunning(): void {
    if (this.#end !== undefined && !this.#stopped) this.#startWorkers();
  }

  /** Adds the key after a delay, unless it is already due sooner. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const at = Math.ceil((this.#nowMs() + ms) / SLOT_MS) * SLOT_MS;
    const dueAt = this.#due.get(key);
    if (dueAt !== undefined && dueAt <= at) return;
    this.#clearDelay(key);
    this.#due.set(key, at);
    (this.#slots.get(at) ?? this.#newSlot(at)).keys.add(key);
  }

  #newSlot(at: number): Slot {
    const slot = { keys: new Set<string>(), sleep: new AbortController() };
    const { signal } = slot.sleep;
    this.#slots.set(at, slot);
    void this.#options.clock.sleep(at - this.#nowMs(), signal).then(() => {
      if (!signal.aborted) this.#enqueueSlot(slot);
    });
    return slot;
  }

  #enqueueSlot({ keys }: Slot): void {
    for (const key of keys) this.#enqueue(key);
    this.#startIfRunning();
  }

  #clearDelay(key: string): void {
    const at = this.#due.get(key);
    if (at === undefined) return;
    this.#due.delete(key);
    const slot = this.#slots.get(at);
    slot?.keys.delete(key);
    if (slot?.keys.size !== 0) return;
    this.#slots.delete(at);
    slot.sleep.abort();
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
    else if (this.#active.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #failed(key: string, error: unknown): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    try {
      this.#options.onError(key, error);
      this.addAfter(key, backoffMs(BACKOFF, failures));
    } catch (fatal) {
      this.#fatal = { error: fatal instanceof Error ? fatal : new Error(String(fatal)) };
      this.#end?.();
    }
  }
}
