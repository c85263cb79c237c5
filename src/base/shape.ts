// Checks what JSON or YAML looks like before it is read field by field.

import { isObject } from "./json.ts";

/** A list of one shape, or an object with these fields. A field may be absent or null, unless its name ends with `!`. */
export type Shape = "string" | "whole number" | readonly [Shape] | { readonly [field: string]: Shape };

/** What is wrong with the first part that has another shape, with its path: `spec.template is not an object`. */
export function shapeProblem(value: unknown, shape: Shape): string | undefined {
  const [first] = problems(value, shape, "");
  return first;
}

function* problems(value: unknown, shape: Shape, path: string): Generator<string> {
  const what = path === "" ? "it" : path;
  if (shape === "string") {
    if (typeof value !== "string") yield `${what} is not a string`;
  } else if (shape === "whole number") {
    if (!Number.isInteger(value)) yield `${what} is not a whole number`;
  } else if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return yield `${what} is not a list`;
    for (const [at, item] of value.entries()) yield* problems(item, shape[0] as Shape, `${path}[${at}]`);
  } else {
    if (!isObject(value)) return yield `${what} is not an object`;
    for (const [name, of] of Object.entries(shape)) {
      const field = name.replace(/!$/, "");
      const at = path === "" ? field : `${path}.${field}`;
      const isMissing = (value[field] ?? null) === null || (value[field] === "" && name !== field);
      if (!isMissing) yield* problems(value[field], of, at);
      else if (name !== field) yield `${at} is missing`;
    }
  }
}
