// Many small calls, few requests: items that arrive while a request is under way leave together in the next.

export interface BatchLimits {
  readonly maxSize: number;
  /** Requests under way at once. */
  readonly maxRequests: number;
  /** Milliseconds that the first item waits for company; without it, it leaves at once. */
  readonly gatherMs?: number;
}

/** Collects items and hands them over in batches; each caller gets its own item's answer. */
export class Batcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #limits: BatchLimits;
  #waiting: { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  #underWay = 0;
  #scheduled = false;

  /** `send` answers in the order of its items. */
  constructor(send: (items: readonly Item[]) => Promise<readonly Answer[]>, limits: BatchLimits) {
    this.#send = send;
    this.#limits = limits;
  }

  /** Queues one item. It leaves with what else comes in this turn of the event loop or in `gatherMs`, or when a request returns. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    const { maxRequests, gatherMs } = this.#limits;
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= maxRequests) return;
    this.#scheduled = true;
    const leave = (): void => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#underWay < maxRequests) void this.#flush();
    };
    if (gatherMs === undefined) setImmediate(leave);
    else setTimeout(leave, gatherMs);
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting.splice(0, this.#limits.maxSize);
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
