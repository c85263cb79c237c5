// Checks what JSON or YAML looks like before it is read field by field.

import { isObject } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** A list of one shape, or an object with these fields. A field may be absent or null, unless its name ends with `!`. */
export type Shape = "string" | "whole number" | readonly [Shape] | { readonly [field: string]: Shape };

/** What is wrong with the first part that has another shape, with its path: `spec.template is not an object`. */
export function shapeProblem(value: unknown, shape: Shape, path = ""): string | undefined {
  const what = path === "" ? "it" : path;
  if (shape === "string") return typeof value === "string" ? undefined : `${what} is not a string`;
  if (shape === "whole number") return Number.isInteger(value) ? undefined : `${what} is not a whole number`;
  const [of] = Array.isArray(shape) ? (shape as readonly [Shape]) : [];
  if (of !== undefined) {
    if (!Array.isArray(value)) return `${what} is not a list`;
    return firstOf(value, (item, at) => shapeProblem(item, of, `${path}[${at}]`));
  }
  if (!isObject(value)) return `${what} is not an object`;
  return firstOf(Object.entries(shape as Readonly<Record<string, Shape>>), ([name, inner]) =>
    fieldProblem(value, [name, inner], path),
  );
}

function fieldProblem(object: JsonObject, [name, shape]: [string, Shape], path: string): string | undefined {
  const field = name.replace(/!$/, "");
  const at = path === "" ? field : `${path}.${field}`;
  const value = object[field] ?? null;
  if (value === null || (value === "" && name !== field))
    return name === field ? undefined : `${at} is missing`;
  return shapeProblem(value, shape, at);
}

function firstOf<T>(
  items: readonly T[],
  problem: (item: T, at: number) => string | undefined,
): string | undefined {
  for (const [at, item] of items.entries()) {
    const found = problem(item, at);
    if (found !== undefined) return found;
  }
  return undefined;
}
