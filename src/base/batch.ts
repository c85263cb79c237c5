// Batching: items that arrive while a request is in flight, or while the first waits for others, are sent together.

import { systemClock, type Clock } from "./clock.ts";

export interface BatchLimits {
  readonly maxSize: number;
  readonly maxRequests: number;
}

/** Reads by id, many at once; undefined for an id that is not found. */
export function batchedById<Found>(
  read: (ids: readonly string[]) => Promise<ReadonlyMap<string, Found>>,
  limits: BatchLimits,
  clock: Pick<Clock, "soon" | "sleep">,
): Batcher<string, Found | undefined> {
  const send = async (ids: readonly string[]): Promise<readonly (Found | undefined)[]> => {
    const found = await read(ids);
    return ids.map((id) => found.get(id));
  };
  return new Batcher(send, limits, clock);
}

/** Sends items in batches; each caller gets its own item's answer. */
export class Batcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #limits: BatchLimits;
  readonly #clock: Pick<Clock, "soon" | "sleep">;
  #waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  #inFlight = 0;
  #isSoon = false;
  #isLater = false;

  /** `send` returns the answers in the order of its items. Items of one moment go together. */
  constructor(
    send: (items: readonly Item[]) => Promise<readonly Answer[]>,
    limits: BatchLimits,
    clock: Pick<Clock, "soon" | "sleep"> = systemClock,
  ) {
    this.#send = send;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** `waitMs`: how many milliseconds it may wait for others; the first that may not takes along those that wait. */
  add(item: Item, waitMs?: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (waitMs === undefined) this.#sendSoon();
      else void this.#sendAfter(waitMs);
    });
  }

  #sendSoon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    this.#clock.soon(() => {
      this.#isSoon = false;
      this.#sendAll();
    });
  }

  async #sendAfter(ms: number): Promise<void> {
    if (this.#isLater) return;
    this.#isLater = true;
    await this.#clock.sleep(ms);
    this.#isLater = false;
    this.#sendAll();
  }

  #sendAll(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#limits.maxRequests) void this.#sendBatch();
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#limits.maxSize);
    this.#inFlight++;
    try {
      const answers = await this.#send(batch.map((entry) => entry.item));
      batch.forEach((entry, at) => {
        if (at < answers.length) entry.resolve(answers[at] as Answer);
        else entry.reject(new Error("the answer to a batch is incomplete"));
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    } finally {
      this.#inFlight--;
      if (this.#waiting.length > 0 && !this.#isLater) this.#sendSoon();
    }
  }
}
