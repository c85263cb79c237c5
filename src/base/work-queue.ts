// Keys waiting for work: a key that is added again while it waits is merged, one worker per key at a time.

import type { Clock } from "./clock.ts";
import { backoffMs } from "./backoff.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Keys worked on at once. */
  readonly concurrency: number;
  /** What to do with a key. Returns after how many milliseconds to look again, if at all. */
  readonly work: (key: string) => Promise<number | undefined>;
  /** Milliseconds on a clock that nobody sets; the process's own without it. */
  readonly nowMs?: () => number;
  /** Told when work threw; the key comes again after a back-off. Throwing here ends the queue. */
  readonly onError: (key: string, error: unknown) => void;
}

const BACKOFF = { firstMs: 500, maxMs: 15_000 };
/** Keys that are due within the same slot are woken together, by one timer. */
const SLOT_MS = 20;

interface Slot {
  readonly keys: Set<string>;
  readonly sleep: AbortController;
}

/** The keyed queue of a controller: level-driven, merging, with delayed and failed keys coming back. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #nowMs: () => number;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #again = new Set<string>();
  /** When each delayed key comes, in milliseconds of `nowMs`, on the grid of slots. */
  readonly #due = new Map<string, number>();
  /** The same the other way round: no look through ten thousand keys for the few that have come. */
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

  /** Keys waiting or being worked on. */
  get size(): number {
    return this.#ready.size + this.#active.size;
  }

  /** Works until the signal aborts, then waits for what is under way. Rethrows what onError threw. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      this.#pump();
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
    this.#pumpIfRunning();
  }

  #enqueue(key: string): void {
    this.#forgetDue(key);
    if (this.#active.has(key)) this.#again.add(key);
    else this.#ready.add(key);
  }

  #pumpIfRunning(): void {
    if (this.#end !== undefined && !this.#stopped) this.#pump();
  }

  /** Adds the key after a delay, unless it is due sooner already. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const at = Math.ceil((this.#nowMs() + ms) / SLOT_MS) * SLOT_MS;
    const known = this.#due.get(key);
    if (known !== undefined && known <= at) return;
    this.#forgetDue(key);
    this.#due.set(key, at);
    (this.#slots.get(at) ?? this.#newSlot(at)).keys.add(key);
  }

  #newSlot(at: number): Slot {
    const slot = { keys: new Set<string>(), sleep: new AbortController() };
    const { signal } = slot.sleep;
    this.#slots.set(at, slot);
    void this.#options.clock.sleep(at - this.#nowMs(), signal).then(() => {
      if (!signal.aborted) this.#ring(slot);
    });
    return slot;
  }

  #ring({ keys }: Slot): void {
    for (const key of keys) this.#enqueue(key);
    this.#pumpIfRunning();
  }

  #forgetDue(key: string): void {
    const at = this.#due.get(key);
    if (at === undefined) return;
    this.#due.delete(key);
    const slot = this.#slots.get(at);
    slot?.keys.delete(key);
    if (slot?.keys.size !== 0) return;
    this.#slots.delete(at);
    slot.sleep.abort();
  }

  #pump(): void {
    for (const key of this.#ready) {
      if (this.#active.size >= this.#options.concurrency) return;
      this.#ready.delete(key);
      this.#active.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const again = await this.#options.work(key);
      this.#failures.delete(key);
      if (again !== undefined) this.addAfter(key, again);
    } catch (error) {
      this.#failed(key, error);
    }
    this.#active.delete(key);
    if (this.#again.delete(key)) this.#ready.add(key);
    if (!this.#stopped) this.#pump();
    else if (this.#active.size === 0) for (const tell of this.#idle.splice(0)) tell();
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
