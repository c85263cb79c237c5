// --sort-by: by a column's header, or by a JSONPath into the objects as in kubectl.

import { SettingsError } from "../base/errors.ts";
import { compileRelaxedPath, valuesOf } from "./jsonpath.ts";
import type { JsonPath } from "./jsonpath.ts";
import { compareValues } from "./value-order.ts";
import type { Column } from "./table.ts";

/** What to sort rows by. */
export interface SortBy<Row> {
  /** As the user wrote it. */
  readonly source: string;
  readonly by:
    | { readonly kind: "column"; readonly column: Column<Row> }
    | { readonly kind: "path"; readonly path: JsonPath };
  /** The headers there are, for the hint. */
  readonly headers: readonly string[];
}

/**
 * Reads --sort-by: a header (in any case, with - or _ for a blank; of a wide column too), else a path such as
 * `.metadata.creationTimestamp` in the forms that kubectl takes. Throws SettingsError.
 */
export function parseSortBy<Row>(text: string, columns: readonly Column<Row>[]): SortBy<Row> {
  const headers = columns.map((column) => column.header);
  const column = columns.find((one) => folded(one.header) === folded(text));
  if (column !== undefined) return { source: text, by: { kind: "column", column }, headers };
  const path = compileRelaxedPath(text);
  if (path === undefined) throw cannotSort(text, "not a single path", headers);
  return { source: text, by: { kind: "path", path }, headers };
}

/**
 * The rows in order, those without the value first; equal ones stay as they were. Throws SettingsError when no
 * row has what is asked for or what it has is no single value, and ExpectedError when the path does not fit.
 */
export function sortRows<Row>(
  rows: readonly Row[],
  sortBy: SortBy<Row>,
  toObject: (row: Row) => unknown,
): readonly Row[] {
  const { by } = sortBy;
  const keyed = rows.map((row) => ({
    row,
    key: by.kind === "column" ? columnKey(by.column, row) : valuesOf(by.path, toObject(row))[0],
  }));
  if (by.kind === "path" && rows.length > 0 && keyed.every(({ key }) => key === undefined)) {
    throw cannotSort(sortBy.source, "no object has this field", sortBy.headers);
  }
  if (keyed.some(({ key }) => typeof key === "object" && key !== null && !(key instanceof Date))) {
    throw cannotSort(sortBy.source, "an object or a list has no order", sortBy.headers);
  }
  return keyed.sort((left, right) => compareValues(left.key, right.key)).map(({ row }) => row);
}

function columnKey<Row>(column: Column<Row>, row: Row): unknown {
  return column.sortValue === undefined ? column.value(row) : column.sortValue(row);
}

function folded(header: string): string {
  return header.toLowerCase().replaceAll(/[-_ ]/g, " ");
}

function cannotSort(text: string, cause: string, headers: readonly string[]): SettingsError {
  return new SettingsError(`cannot sort by "${text}": ${cause}`, {
    hint: `name a column (${headers.join(", ")}) or a field like .metadata.creationTimestamp`,
  });
}
