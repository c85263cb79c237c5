// A type for JSON objects, and safe access to untyped values.

export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Numbers whose digits JavaScript may lose: more than 15 of them, or an exponent of three. */
const LOSSY = /[:[,]\s*-?(?:\d{16}|[\d.]+[eE]\+?\d{3})/;

/** Like JSON.parse, but whole numbers over 2^53 and numbers too large for JavaScript are texts of their digits, not roundings. */
export function parseJson(text: string): unknown {
  if (!LOSSY.test(text)) return JSON.parse(text) as unknown;
  return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value !== "number" || context?.source === undefined) return value;
    const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
    return isExact ? value : context.source;
  }) as unknown;
}

/** The value of a JSON text; undefined if it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is a string, else undefined. */
export function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value if it is an object, else an empty one. */
export function objectIn(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The value if it is an array, else an empty one. */
export function arrayIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The moment if it is a text of one, else undefined. */
export function dateIn(value: unknown): Date | undefined {
  const at = new Date(textIn(value) ?? "");
  return Number.isNaN(at.getTime()) ? undefined : at;
}
