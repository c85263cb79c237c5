// A type for JSON objects, and safe access to untyped values.

export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Numbers that JavaScript may round or spell in another way: many digits, an exponent, a zero at the end of a fraction. */
const RESPELLED = /(?:"\s*:|[[,])\s*-?(?:\d{16}|[\d.]+[eE]|\d+\.(?:\d{16}|\d*0\D))/;

/**
 * Like JSON.parse, but whole numbers over 2^53 and numbers too large for JavaScript are texts of their digits, not roundings; and
 * all numbers of an `env`, which become texts, keep their spelling.
 */
export function parseJson(text: string): unknown {
  if (!RESPELLED.test(text)) return JSON.parse(text) as unknown;
  return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
    const { source } = context ?? {};
    if (typeof value === "number" && source !== undefined && source !== String(value))
      return new Respelled(source, value);
    for (const [name, child] of Object.entries(value ?? {}))
      if (child instanceof Respelled) Reflect.set(value as object, name, child.plain(key === "env"));
    return value;
  }) as unknown;
}

/** A number that JavaScript spells in another way than its JSON. */
class Respelled {
  readonly #source: string;
  readonly #value: number;

  constructor(source: string, value: number) {
    this.#source = source;
    this.#value = value;
  }

  plain(wantsText: boolean): number | string {
    const isExact = Number.isInteger(this.#value)
      ? Number.isSafeInteger(this.#value)
      : Number.isFinite(this.#value);
    return wantsText || !isExact ? this.#source : this.#value;
  }
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
