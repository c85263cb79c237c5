// JSON as kubectl prints it: sorted keys, and < > & escaped in strings.

import { escapeUnprintable } from "./clean.ts";
import { isObject } from "../base/json.ts";

/** JSON indented by four, with sorted keys, as `kubectl get -o json` prints it; no line break at the end. */
export function indentedJson(value: unknown): string {
  return stringify(value, "\n");
}

/** The entries of an object sorted by key, without those that JSON.stringify omits. */
export function sortedEntries(
  value: Readonly<Record<string, unknown>>,
): readonly (readonly [string, unknown])[] {
  return Object.keys(value)
    .filter((key) => value[key] !== undefined && typeof value[key] !== "function")
    .sort()
    .map((key) => [key, value[key]] as const);
}

// Not JSON.stringify on a sorted copy: JavaScript keeps keys that look like numbers in numeric order.
function stringify(value: unknown, lineBreak: string): string {
  if (value instanceof Date) return quote(value.toISOString());
  if (typeof value === "string") return quote(value);
  const inner = `${lineBreak}    `;
  if (Array.isArray(value)) {
    const items = value.map((item) => inner + stringify(item, inner));
    return items.length === 0 ? "[]" : `[${items.join(",")}${lineBreak}]`;
  }
  if (isObject(value)) {
    const fields = sortedEntries(value).map(
      ([key, field]) => `${inner}${quote(key)}: ${stringify(field, inner)}`,
    );
    return fields.length === 0 ? "{}" : `{${fields.join(",")}${lineBreak}}`;
  }
  return JSON.stringify(value) ?? "null";
}

function quote(text: string): string {
  return escapeUnprintable(JSON.stringify(text)).replaceAll(
    /[<>&]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
