// Following relationships between rows, by the indexes where there are any.

import type { Row } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Relation, TableName, TableShape } from "./tables.ts";
import type { Table } from "./table.ts";

/** The tables and what they look like. */
export interface Database {
  readonly store: Store;
  readonly shapes: Readonly<Record<TableName, TableShape>>;
}

/** A table seen without its row type. */
export type AnyTable = Pick<
  Table<Row & { readonly id: string }>,
  "get" | "all" | "indexed" | "having" | "sortedBy"
>;

/** The table of this name. */
export function tableOf(db: Database, name: TableName): AnyTable {
  return db.store.tables[name];
}

/** The rows at the other end: none or one for an object relationship, any number for an array one. */
export function related(db: Database, relation: Relation, row: Row): Iterable<Row> {
  const table = tableOf(db, relation.table);
  if (relation.kind === "one") {
    const id = row[relation.column];
    const other = typeof id === "string" ? table.get(id) : undefined;
    return other === undefined ? [] : [other];
  }
  return rowsHaving(table, relation.column, row["id"]);
}

/** Rows with this value in a column, with or without an index on it. */
function rowsHaving(table: AnyTable, column: string, value: unknown): Iterable<Row> {
  if ([...table.indexed()].includes(column)) return table.having(column, value);
  return [...table.all()].filter((row) => (row as Row)[column] === value);
}
