// What was asked of the fake.

/** One request, as far as it is known. */
export interface RequestRecord {
  readonly method: string;
  /** Path without its query. */
  readonly path: string;
  readonly query: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; empty for other paths. */
  readonly verb: string;
  /** Plural with its subresource; empty for other paths. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  /** The answer's status; 0 while there is none, and when there never was. */
  status: number;
}

/** The requests so far: the last ones in full, all of them by number. */
export class RequestLog {
  readonly #kept: number;
  #entries: RequestRecord[] = [];
  #total = 0;

  /** Keeps at least the last `kept` requests. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** How many there were. */
  get total(): number {
    return this.#total;
  }

  /** The last requests, oldest first. */
  get entries(): readonly RequestRecord[] {
    return this.#entries;
  }

  add(entry: RequestRecord): void {
    this.#total++;
    this.#entries.push(entry);
    if (this.#entries.length > 2 * this.#kept) this.#entries = this.#entries.slice(-this.#kept);
  }

  /** How many of the kept requests have all these values. */
  count(wanted: Partial<RequestRecord>): number {
    const fields = Object.entries(wanted);
    const has = (entry: object): boolean => fields.every(([key, value]) => Reflect.get(entry, key) === value);
    return this.#entries.filter(has).length;
  }

  clear(): void {
    this.#entries = [];
    this.#total = 0;
  }
}
