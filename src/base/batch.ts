// Batching: items that arrive while a request is in flight are sent together in the next one.

export interface BatchLimits {
  readonly maxSize: number;
  /** Concurrent requests. */
  readonly maxRequests: number;
  /** How long the first item waits for more; default: until the end of this turn of the event loop. */
  readonly delayMs?: number;
}

/** Sends items in batches; each caller gets its own item's answer. */
export class Batcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #limits: BatchLimits;
  #waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  #inFlight = 0;
  #scheduled = false;

  /** `send` returns the answers in the order of its items. */
  constructor(send: (items: readonly Item[]) => Promise<readonly Answer[]>, limits: BatchLimits) {
    this.#send = send;
    this.#limits = limits;
  }

  /** Sends the item with the next batch and returns its answer. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    const { maxRequests, delayMs } = this.#limits;
    if (this.#scheduled || this.#waiting.length === 0 || this.#inFlight >= maxRequests) return;
    this.#scheduled = true;
    const sendAll = (): void => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#inFlight < maxRequests) void this.#flush();
    };
    if (delayMs === undefined) setImmediate(sendAll);
    else setTimeout(sendAll, delayMs);
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
