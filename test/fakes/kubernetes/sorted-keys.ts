// Keys in order, without sorting anew at each list.

/** A sorted set of strings. Lookups are by halving; an insertion moves what comes after. */
export class SortedKeys {
  readonly #keys: string[] = [];

  /** Adds a key that is not there yet. */
  add(key: string): void {
    this.#keys.splice(this.#firstFrom(key), 0, key);
  }

  /** Takes a key away that is there. */
  remove(key: string): void {
    const at = this.#firstFrom(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** The keys that begin with the prefix, in order. */
  startingWith(prefix: string): readonly string[] {
    if (prefix === "") return this.#keys.slice();
    return this.#keys.slice(this.#firstFrom(prefix), this.#firstFrom(`${prefix}\uffff`));
  }

  #firstFrom(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
