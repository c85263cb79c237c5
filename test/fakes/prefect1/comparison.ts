// The comparison operators of a column (Hasura's `_eq`, `_in`, `_contains` …), in SQL's three-valued logic.
// Null collapse is on in Prefect Server: an operator whose operand is null holds for every row.

import { arrayIn, isObject } from "../../../src/base/json.ts";
import { tableError } from "./api-error.ts";
import { jsonContains, jsonEquals, jsonHasKey } from "./jsonb.ts";
import type { ColumnType } from "./tables.ts";
import { storedTime } from "./time.ts";
import { storedUuid } from "./uuid.ts";

/** True, false, or SQL's unknown. */
export type Truth = boolean | null;
/** A question to one value of a column. */
export type Test = (value: unknown) => Truth;

/** Tests of a column's value, one for each operator given. Operands are read once, bad ones are refused as PostgreSQL does. */
export function comparisons(type: ColumnType, wanted: unknown): Test[] {
  if (!isObject(wanted)) return [];
  return Object.entries(wanted)
    .filter(([, operand]) => operand !== null && operand !== undefined)
    .map(([operator, operand]) => comparison(type, operator, operand));
}

/** An operand in the form in which the column stores its values. */
export function operandOf(type: ColumnType, value: unknown): unknown {
  if (type === "uuid") return storedUuid(value) ?? refuse("uuid", value);
  if (type !== "timestamptz") return value;
  return storedTime(String(value)) ?? refuse("timestamp with time zone", value);
}

function refuse(type: string, value: unknown): never {
  throw tableError(`invalid input syntax for type ${type}: "${String(value)}"`, "data-exception");
}

function comparison(type: ColumnType, operator: string, operand: unknown): Test {
  if (operator === "_is_null") return (value) => (value === null) === operand;
  const test = type === "jsonb" ? jsonTest(operator, operand) : scalarTest(type, operator, operand);
  return (value) => (value === null || value === undefined ? null : test(value));
}

function scalarTest(type: ColumnType, operator: string, operand: unknown): Test {
  if (operator === "_in" || operator === "_nin") {
    const members = new Set(arrayIn(operand).map((item) => operandOf(type, item)));
    return (value) => members.has(value) === (operator === "_in");
  }
  if (operator.endsWith("like")) return likeTest(operator, String(operand));
  const other = operandOf(type, operand);
  switch (operator) {
    case "_eq":
      return (value) => value === other;
    case "_neq":
      return (value) => value !== other;
    default:
      return orderTest(operator, other);
  }
}

function orderTest(operator: string, other: unknown): Test {
  switch (operator) {
    case "_gt":
      return (value) => compareValues(value, other) > 0;
    case "_gte":
      return (value) => compareValues(value, other) >= 0;
    case "_lt":
      return (value) => compareValues(value, other) < 0;
    case "_lte":
      return (value) => compareValues(value, other) <= 0;
    default:
      throw tableError(`unexpected operator "${operator}"`, "validation-failed");
  }
}

/** Order of two values of a column that are not null. */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const left = String(a);
  const right = String(b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** SQL's LIKE: `%` any text, `_` any character, `\` takes the next one literally. */
function likeTest(operator: string, pattern: string): Test {
  const source = pattern.replace(/\\([\s\S])|%|_|[.*+?^${}()|[\]\\]/g, (found, escaped?: string) => {
    if (escaped !== undefined) return escaped.replace(/[.*+?^${}()|[\]\\]/, "\\$&");
    if (found === "%") return "[\\s\\S]*";
    return found === "_" ? "[\\s\\S]" : `\\${found}`;
  });
  const shape = new RegExp(`^${source}$`, operator.includes("ilike") ? "iu" : "u");
  const positive = !operator.startsWith("_n");
  return (value) => shape.test(String(value)) === positive;
}

function jsonTest(operator: string, operand: unknown): Test {
  switch (operator) {
    case "_eq":
      return (value) => jsonEquals(value, operand);
    case "_neq":
      return (value) => !jsonEquals(value, operand);
    case "_in":
      return (value) => arrayIn(operand).some((item) => jsonEquals(value, item));
    case "_nin":
      return (value) => !arrayIn(operand).some((item) => jsonEquals(value, item));
    case "_contains":
      return (value) => jsonContains(value, operand);
    case "_contained_in":
      return (value) => jsonContains(operand, value);
    case "_has_key":
      return (value) => jsonHasKey(value, operand);
    case "_has_keys_any":
      return (value) => arrayIn(operand).some((key) => jsonHasKey(value, key));
    case "_has_keys_all":
      return (value) => arrayIn(operand).every((key) => jsonHasKey(value, key));
    default:
      throw tableError(`unexpected operator "${operator}"`, "validation-failed");
  }
}
