// Makes equal values one: thousands of objects with the same parts need little memory.

/** It forgets all above this number, so that it does not grow for ever. */
const MAX_KNOWN = 10_000;

export class Interner {
  readonly #known = new Map<string, unknown>();

  /** The value, or an equal one that came before. Values must be JSON, and must not be changed. */
  of<T>(value: T): T {
    if (value === undefined) return value;
    const key = JSON.stringify(value);
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, value);
    return value;
  }
}
