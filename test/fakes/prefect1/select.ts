// A table query: where, order_by, distinct_on, offset, limit. Finds its candidates by an index when `where` allows it.

import { arrayIn, isObject, objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { tableError } from "./api-error.ts";
import { operandOf } from "./comparison.ts";
import { orderBy } from "./order-by.ts";
import { tableOf } from "./related.ts";
import type { Database } from "./related.ts";
import type { Row } from "./rows.ts";
import type { ColumnType, TableName } from "./tables.ts";
import { compileWhere } from "./where.ts";

/** Arguments of a table field, as GraphQL hands them over. */
export interface SelectArguments {
  readonly where?: unknown;
  readonly order_by?: unknown;
  readonly distinct_on?: unknown;
  readonly limit?: number | null;
  readonly offset?: number | null;
}

interface Candidates {
  readonly rows: Iterable<Row>;
  /** The column in whose ascending order they come. */
  readonly sortedBy?: string;
}

/** The rows a query asks for. `from` narrows it to one row's relationship. */
export function selectRows(
  db: Database,
  table: TableName,
  query: SelectArguments & { readonly from?: Iterable<Row> },
): Row[] {
  if ((query.limit ?? 0) < 0 || (query.offset ?? 0) < 0) {
    throw tableError("expecting a non-negative value for limit and offset", "validation-failed");
  }
  const passes = compileWhere(db, table, query.where);
  const found: Candidates =
    query.from === undefined ? candidates(db, table, query.where) : { rows: query.from };
  const orders = arrayIn(query.order_by).filter(isObject);
  const distinct = arrayIn(query.distinct_on).map(String);
  const first = query.offset ?? 0;
  const end = first + (query.limit ?? Number.POSITIVE_INFINITY);
  const inOrder = orders.length === 0 || isOrder(orders, found.sortedBy);
  const rows: Row[] = [];
  for (const row of found.rows) {
    if (inOrder && distinct.length === 0 && rows.length >= end) break;
    if (passes(row)) rows.push(row);
  }
  if (!inOrder) rows.sort(orderBy(db, table, orders));
  return distinctRows(rows, distinct).slice(first, end);
}

/** Whether the wanted order is just this one column, ascending. */
function isOrder(orders: readonly JsonObject[], column: string | undefined): boolean {
  const [only = {}] = orders;
  return (
    column !== undefined && orders.length === 1 && Object.keys(only).length === 1 && only[column] === "asc"
  );
}

function distinctRows(rows: Row[], columns: readonly string[]): Row[] {
  if (columns.length === 0) return rows;
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = JSON.stringify(columns.map((column) => row[column]));
    return !seen.has(key) && seen.add(key);
  });
}

/** The fewest rows that are sure to hold all matches. */
function candidates(db: Database, name: TableName, where: unknown): Candidates {
  const table = tableOf(db, name);
  const wanted = mustHold(where);
  const byId = equalTo(wanted, "id", "uuid");
  if (byId !== undefined) {
    return { rows: byId.map((id) => table.get(String(id))).filter((row) => row !== undefined) };
  }
  const sorted = table.sortedBy("state_start_time");
  const last = lastTime(wanted);
  for (const column of table.indexed()) {
    // A state is shared by many rows; a range of start times is mostly the better way in.
    if (column === "state" && sorted !== undefined && last !== undefined) break;
    const type = db.shapes[name].columns.get(column)?.type ?? "String";
    const values = equalTo(wanted, column, type);
    if (values !== undefined) return { rows: values.flatMap((value) => [...table.having(column, value)]) };
  }
  if (sorted !== undefined && last !== undefined) {
    return { rows: sorted.upTo(last), sortedBy: "state_start_time" };
  }
  return { rows: table.all() };
}

/** The conditions that every match fulfils: those at the top, and inside `_and`. */
function mustHold(where: unknown): JsonObject[] {
  if (!isObject(where)) return [];
  return [where, ...arrayIn(where["_and"]).flatMap(mustHold)];
}

/** The values to which a column must be equal, each once, if the query says so. */
function equalTo(wanted: readonly JsonObject[], column: string, type: ColumnType): unknown[] | undefined {
  for (const condition of wanted) {
    const test = objectIn(condition[column]);
    const values = test["_eq"] === undefined || test["_eq"] === null ? test["_in"] : [test["_eq"]];
    if (!Array.isArray(values)) continue;
    return [...new Set(values.map((value) => operandOf(type, value)))];
  }
  return undefined;
}

function lastTime(wanted: readonly JsonObject[]): string | undefined {
  for (const condition of wanted) {
    const test = objectIn(condition["state_start_time"]);
    const last = test["_lte"] ?? test["_lt"];
    if (last !== undefined && last !== null) return String(operandOf("timestamptz", last));
  }
  return undefined;
}
