// JSON as Go writes it, and so kubectl: keys in order, and < > & escaped inside strings.

import { isObject } from "../base/json.ts";

/** Compact JSON with sorted keys, as kubectl's jsonpath prints objects and arrays. */
export function compactJson(value: unknown): string {
  return written(value, "", "");
}

/** JSON indented by four, with sorted keys, as `kubectl get -o json` prints it; no line break at the end. */
export function indentedJson(value: unknown): string {
  return written(value, "\n", "    ");
}

/** The entries of an object in the order of their keys, without those that JSON would leave out. */
export function sortedEntries(
  value: Readonly<Record<string, unknown>>,
): readonly (readonly [string, unknown])[] {
  return Object.keys(value)
    .filter((key) => value[key] !== undefined && typeof value[key] !== "function")
    .sort()
    .map((key) => [key, value[key]] as const);
}

// Not JSON.stringify on a sorted copy: JavaScript keeps keys that look like numbers in numeric order.
function written(value: unknown, lineBreak: string, indent: string): string {
  if (value instanceof Date) return quoted(value.toISOString());
  if (typeof value === "string") return quoted(value);
  const inner = lineBreak + indent;
  if (Array.isArray(value)) {
    const items = value.map((item) => inner + written(item, inner, indent));
    return items.length === 0 ? "[]" : `[${items.join(",")}${lineBreak}]`;
  }
  if (isObject(value)) {
    const colon = indent === "" ? ":" : ": ";
    const fields = sortedEntries(value).map(
      ([key, field]) => inner + quoted(key) + colon + written(field, inner, indent),
    );
    return fields.length === 0 ? "{}" : `{${fields.join(",")}${lineBreak}}`;
  }
  return JSON.stringify(value) ?? "null";
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
