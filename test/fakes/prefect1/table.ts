// One table of the fake's database: rows by id, with indexes that follow every change.

import type { Row } from "./rows.ts";
import { SortedIndex } from "./sorted-index.ts";
import type { TableName } from "./tables.ts";

/** What happened to a row. */
export interface Change {
  readonly table: TableName;
  readonly id: string;
  readonly action: "insert" | "update" | "delete";
}

/** Indexes, and who is told of changes. */
export interface TableOptions {
  /** Columns that are looked up by equality. */
  readonly equal?: readonly string[];
  /** Time columns that are looked up by range. */
  readonly sorted?: readonly string[];
  readonly changed: (change: Change) => void;
}

/** Rows by id. A row object stays the same through all updates. */
export class Table<R extends Row & { readonly id: string }> {
  readonly name: TableName;
  readonly #rows = new Map<string, R>();
  readonly #equal: ReadonlyMap<string, Map<unknown, Set<R>>>;
  readonly #sorted: ReadonlyMap<string, SortedIndex<R>>;
  readonly #changed: (change: Change) => void;
  #inserted = 0;

  constructor(name: TableName, options: TableOptions) {
    this.name = name;
    this.#equal = new Map((options.equal ?? []).map((column) => [column, new Map()]));
    this.#sorted = new Map((options.sorted ?? []).map((column) => [column, new SortedIndex<R>()]));
    this.#changed = options.changed;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** How many rows there ever were. */
  get inserted(): number {
    return this.#inserted;
  }

  get(id: string): R | undefined {
    return this.#rows.get(id);
  }

  /** All rows, oldest first. */
  all(): Iterable<R> {
    return this.#rows.values();
  }

  /** The columns with an equality index, in the order in which they were declared: the most selective first. */
  indexed(): Iterable<string> {
    return this.#equal.keys();
  }

  /** Rows with this value in an indexed column; throws if the column has no index, which is a mistake in our code. */
  having(column: string, value: unknown): ReadonlySet<R> {
    const index = this.#equal.get(column);
    if (index === undefined) throw new Error(`table "${this.name}" has no index on "${column}"`);
    return index.get(value) ?? new Set();
  }

  /** The time index of a column, if it has one. */
  sortedBy(column: string): SortedIndex<R> | undefined {
    return this.#sorted.get(column);
  }

  insert(row: R): R {
    this.#rows.set(row.id, row);
    this.#inserted += 1;
    for (const [column, index] of this.#equal) enter(index, row[column], row);
    for (const [column, index] of this.#sorted) index.put(row, keyIn(row, column));
    this.#changed({ table: this.name, id: row.id, action: "insert" });
    return row;
  }

  /** Changes the row in place. */
  update(row: R, changes: Partial<R>): R {
    const before = [...this.#equal.keys()].map((column) => row[column]);
    Object.assign(row, changes);
    let i = 0;
    for (const [column, index] of this.#equal) {
      const old = before[i++];
      if (old === row[column]) continue;
      leave(index, old, row);
      enter(index, row[column], row);
    }
    for (const [column, index] of this.#sorted) index.put(row, keyIn(row, column));
    this.#changed({ table: this.name, id: row.id, action: "update" });
    return row;
  }

  delete(row: R): void {
    this.#rows.delete(row.id);
    for (const [column, index] of this.#equal) leave(index, row[column], row);
    for (const index of this.#sorted.values()) index.remove(row);
    this.#changed({ table: this.name, id: row.id, action: "delete" });
  }
}

function keyIn(row: Row, column: string): string | null {
  const value = row[column];
  return typeof value === "string" ? value : null;
}

function enter<R>(index: Map<unknown, Set<R>>, value: unknown, row: R): void {
  const rows = index.get(value);
  if (rows === undefined) index.set(value, new Set([row]));
  else rows.add(row);
}

function leave<R>(index: Map<unknown, Set<R>>, value: unknown, row: R): void {
  const rows = index.get(value);
  rows?.delete(row);
  if (rows?.size === 0) index.delete(value);
}
