// Rows in the order of a time column, for look-ups that must not scan 50,000 rows: the queue, and filters on a start time.

interface Entry<R> {
  readonly key: string;
  readonly order: number;
  readonly row: R;
}

/** A sorted array with binary search: rows whose key is null are not in it; equal keys keep the order of insertion. */
export class SortedIndex<R> {
  readonly #entries: Entry<R>[] = [];
  readonly #entryOf = new Map<R, Entry<R>>();
  #next = 0;

  get size(): number {
    return this.#entries.length;
  }

  put(row: R, key: string | null): void {
    const before = this.#entryOf.get(row);
    if (before?.key === key) return;
    this.remove(row);
    if (key === null) return;
    const entry = { key, order: this.#next++, row };
    this.#entryOf.set(row, entry);
    this.#entries.splice(this.#place(entry), 0, entry);
  }

  remove(row: R): void {
    const entry = this.#entryOf.get(row);
    if (entry === undefined) return;
    this.#entryOf.delete(row);
    this.#entries.splice(this.#place(entry), 1);
  }

  /** Rows with a key up to and including `last`, smallest first. */
  *upTo(last: string): Generator<R> {
    for (const entry of this.#entries) {
      if (entry.key > last) return;
      yield entry.row;
    }
  }

  /** Where the entry stands, or would have to stand. */
  #place(entry: Entry<R>): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#entries[middle];
      if (found !== undefined && isBefore(found, entry)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isBefore<R>(a: Entry<R>, b: Entry<R>): boolean {
  return a.key < b.key || (a.key === b.key && a.order < b.order);
}
