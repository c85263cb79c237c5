// `where` of a table as a predicate over its rows: columns, `_and` `_or` `_not`, and relationships (an array
// relationship means EXISTS). Compiled once per query, so that filtering 50,000 rows stays cheap.

import { arrayIn, isObject } from "../../../src/base/json.ts";
import { comparisons } from "./comparison.ts";
import type { Truth } from "./comparison.ts";
import { related } from "./related.ts";
import type { Database } from "./related.ts";
import type { Row } from "./rows.ts";
import type { Relation, TableName } from "./tables.ts";

type Condition = (row: Row) => Truth;

/** Whether a row passes; SQL keeps a row only when its condition is true, not when it is unknown. */
export function compileWhere(db: Database, table: TableName, where: unknown): (row: Row) => boolean {
  const condition = conjunction(db, table, where);
  return (row) => condition(row) === true;
}

function conjunction(db: Database, table: TableName, where: unknown): Condition {
  if (!isObject(where)) return () => true;
  const parts = Object.entries(where)
    .filter(([, wanted]) => wanted !== null && wanted !== undefined)
    .map(([key, wanted]) => part(db, { table, key }, wanted));
  return and(parts);
}

function part(db: Database, at: { table: TableName; key: string }, wanted: unknown): Condition {
  const { table, key } = at;
  if (key === "_and") return and(arrayIn(wanted).map((one) => conjunction(db, table, one)));
  if (key === "_or") return or(arrayIn(wanted).map((one) => conjunction(db, table, one)));
  if (key === "_not") return not(conjunction(db, table, wanted));
  const relation = db.shapes[table].relations.get(key);
  if (relation !== undefined) return exists(db, relation, wanted);
  const type = db.shapes[table].columns.get(key)?.type ?? "String";
  const tests = comparisons(type, wanted);
  return and(tests.map((test) => (row) => test(row[key])));
}

function exists(db: Database, relation: Relation, wanted: unknown): Condition {
  const passes = compileWhere(db, relation.table, wanted);
  return (row) => {
    for (const other of related(db, relation, row)) if (passes(other)) return true;
    return false;
  };
}

function and(parts: readonly Condition[]): Condition {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return (row) => {
    let truth: Truth = true;
    for (const holds of parts) {
      const one = holds(row);
      if (one === false) return false;
      if (one === null) truth = null;
    }
    return truth;
  };
}

function or(parts: readonly Condition[]): Condition {
  return (row) => {
    let truth: Truth = false;
    for (const holds of parts) {
      const one = holds(row);
      if (one === true) return true;
      if (one === null) truth = null;
    }
    return truth;
  };
}

function not(condition: Condition): Condition {
  return (row) => {
    const truth = condition(row);
    return truth === null ? null : !truth;
  };
}
