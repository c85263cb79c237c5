// The filters and pages of the fake REST API.

import { arrayIn, objectIn, type JsonObject } from "../../../src/base/json.ts";

/** What a filter asks for; undefined: anything. */
export function anyOf(filter: unknown, column: string): readonly unknown[] | undefined {
  const any = objectIn(objectIn(filter)[column])["any_"];
  return any === undefined ? undefined : arrayIn(any);
}

/** Whether a filter of a column lets the value through. */
export function isAmong(filter: unknown, column: string, value: string | undefined): boolean {
  return anyOf(filter, column)?.includes(value) ?? true;
}

/** The part of the rows that a query asks for. */
export function pageOf<T>(rows: readonly T[], { offset = 0, limit = 200 }: JsonObject): readonly T[] {
  return rows.slice(Number(offset), Number(offset) + Number(limit));
}
