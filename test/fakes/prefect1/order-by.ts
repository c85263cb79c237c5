// `order_by` of a table query. Nulls come last when ascending and first when descending, unless the direction says otherwise.

import { isObject } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { compareValues } from "./comparison.ts";
import { related } from "./related.ts";
import type { Database } from "./related.ts";
import type { Row } from "./rows.ts";
import type { Relation, TableName } from "./tables.ts";

type Comparison = (a: Row, b: Row) => number;

/** Compares two rows by the orders, the first one that tells them apart. */
export function orderBy(db: Database, table: TableName, orders: readonly JsonObject[]): Comparison {
  const steps = orders.flatMap((order) =>
    Object.entries(order)
      .filter(([, direction]) => direction !== null && direction !== undefined)
      .map(([key, direction]) => step(db, { table, key }, direction)),
  );
  return (a, b) => {
    for (const compare of steps) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

function step(db: Database, at: { table: TableName; key: string }, direction: unknown): Comparison {
  const relation = db.shapes[at.table].relations.get(at.key);
  if (relation !== undefined && isObject(direction)) {
    const compare = orderBy(db, relation.table, [direction]);
    return (a, b) => compare(otherEnd(db, relation, a), otherEnd(db, relation, b));
  }
  const text = String(direction);
  const sign = text.startsWith("desc") ? -1 : 1;
  const nulls = text.endsWith("nulls_first") || text === "desc" ? -1 : 1;
  return (a, b) => {
    const left = a[at.key] ?? null;
    const right = b[at.key] ?? null;
    if (left === null || right === null) return nullOrder(left, right) * nulls;
    return compareValues(left, right) * sign;
  };
}

/** 0 when both are null, 1 when only the left one is. */
function nullOrder(left: unknown, right: unknown): number {
  if (left === right) return 0;
  return left === null ? 1 : -1;
}

function otherEnd(db: Database, relation: Relation, row: Row): Row {
  for (const other of related(db, relation, row)) return other;
  return {};
}
