// Batching: items that arrive while a request is in flight, or while the first waits for others, are sent together.

import { systemClock, type Clock } from "./clock.ts";

export interface BatchLimits {
  readonly maxSize: number;
  readonly maxRequests: number;
  /** How many milliseconds an item waits for others; none: only for those of the same moment. */
  readonly waitMs?: number;
}

/** Sends items in batches; each caller gets its own item's answer. */
export class Batcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #limits: BatchLimits;
  readonly #clock: Pick<Clock, "soon" | "sleep">;
  #waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  #inFlight = 0;
  #scheduled = false;

  /** `send` returns the answers in the order of its items. Items of one moment go together. */
  // oxlint-disable-next-line max-params -- the clock is what every caller has at hand
  constructor(
    send: (items: readonly Item[]) => Promise<readonly Answer[]>,
    limits: BatchLimits,
    clock: Pick<Clock, "soon" | "sleep"> = systemClock,
  ) {
    this.#send = send;
    this.#limits = limits;
    this.#clock = clock;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    const { maxRequests, waitMs } = this.#limits;
    if (this.#scheduled || this.#waiting.length === 0 || this.#inFlight >= maxRequests) return;
    this.#scheduled = true;
    const flush = (): void => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#inFlight < maxRequests) void this.#flush();
    };
    if (waitMs === undefined) this.#clock.soon(flush);
    else void this.#clock.sleep(waitMs).then(flush);
  }

  async #flush(): Promise<void> {
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
      this.#schedule();
    }
  }
}
