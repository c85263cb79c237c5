// What was asked of the fake: one entry per HTTP request, without bodies and without the API key.

/** One request that has been answered, or cut off. */
export interface RequestEntry {
  /** Counts from 1. */
  readonly n: number;
  readonly at: Date;
  readonly path: string;
  readonly kind: "query" | "mutation" | "subscription" | "http";
  /** The root fields of the operation, by their own names. */
  readonly fields: readonly string[];
  /** The `x-prefect-…` headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether there was an Authorization header. */
  readonly authorized: boolean;
  /** 0: no reply was sent, the connection was cut. */
  readonly status: number;
}

/** The last requests, oldest first, and a count per root field over all time. */
export class RequestLog {
  readonly #keep: number;
  readonly #entries: RequestEntry[] = [];
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(entry: Omit<RequestEntry, "n">): void {
    this.#total += 1;
    this.#entries.push({ n: this.#total, ...entry });
    // In blocks, since shift() on a long array is slow.
    if (this.#entries.length > this.#keep * 2) this.#entries.splice(0, this.#entries.length - this.#keep);
    for (const field of new Set(entry.fields)) this.#counts.set(field, (this.#counts.get(field) ?? 0) + 1);
  }

  /** The entries that are still kept; those with a root field, if one is named. */
  entries(field?: string): readonly RequestEntry[] {
    const recent = this.#entries.slice(-this.#keep);
    return field === undefined ? recent : recent.filter((entry) => entry.fields.includes(field));
  }

  /** How many requests there ever were: in all, or with this root field. */
  count(field?: string): number {
    return field === undefined ? this.#total : (this.#counts.get(field) ?? 0);
  }

  clear(): void {
    this.#entries.length = 0;
    this.#counts.clear();
    this.#total = 0;
  }
}
