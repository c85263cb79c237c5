// Many small calls, few requests: items that arrive while a request is under way leave together in the next.

/** Collects items and hands them over in batches; each caller gets its own item's answer. */
export class Batcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #maxSize: number;
  readonly #maxRequests: number;
  #waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  #underWay = 0;
  #scheduled = false;

  /** `send` answers in the order of its items. At most `maxRequests` requests run at once. */
  constructor(
    send: (items: readonly Item[]) => Promise<readonly Answer[]>,
    limits: { readonly maxSize: number; readonly maxRequests: number },
  ) {
    this.#send = send;
    this.#maxSize = limits.maxSize;
    this.#maxRequests = limits.maxRequests;
  }

  /** Queues one item. It leaves in this turn of the event loop's next batch, or when a request returns. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= this.#maxRequests) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#underWay < this.#maxRequests) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#maxSize);
    this.#underWay++;
    try {
      const answers = await this.#send(batch.map((entry) => entry.item));
      batch.forEach((entry, at) => {
        if (at < answers.length) entry.resolve(answers[at] as Answer);
        else entry.reject(new Error("a batch was answered in part"));
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    } finally {
      this.#underWay--;
      this.#schedule();
    }
  }
}
