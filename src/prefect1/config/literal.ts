// Parses Python literals, as Prefect 1 does, and JSON: as YAML's flow syntax, which lacks only tuples, sets and Python's
// escapes. Bare words (`[a, b]`) are strings.

import { isMap, isScalar, isSeq, parseDocument, Scalar } from "yaml";

/** Numbers stay strings, as they are written. */
export type Literal = null | boolean | string | readonly Literal[] | LiteralObject;
export interface LiteralObject {
  readonly [key: string]: Literal;
}

const STRING_OR_PAREN = /(["'])((?:(?!\1)[^\\]|\\[^])*)\1|[()]/g;
const ESCAPE = /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/g;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "\n": "" };
const WORDS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ["none", null],
  ["null", null],
  ["true", true],
  ["false", false],
]);

/** The value of a list, tuple, set, object or quoted string; undefined for anything else. */
export function parseLiteral(text: string): Literal | undefined {
  if (!/^\s*["'[({]/.test(text)) return undefined;
  try {
    const { contents, errors } = parseDocument(asYaml(text), { schema: "failsafe", uniqueKeys: false });
    return errors.length > 0 ? undefined : valueOf(contents);
  } catch (error) {
    // A code point that does not exist.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function asYaml(text: string): string {
  return text.replaceAll(STRING_OR_PAREN, (token, quote: string | undefined, content: string) =>
    quote === undefined ? (token === "(" ? "[" : "]") : JSON.stringify(unescape(content)),
  );
}

function unescape(content: string): string {
  return content.replaceAll(ESCAPE, (written, escape: string) => {
    if (escape.length > 1) return String.fromCodePoint(Number.parseInt(escape.slice(1), 16));
    return ESCAPED[escape] ?? (/["'\\/]/.test(escape) ? escape : written);
  });
}

function valueOf(node: unknown): Literal | undefined {
  if (isScalar(node)) {
    const text = String(node.value);
    if (node.type !== Scalar.PLAIN) return text;
    return text === "" ? undefined : wordValue(text);
  }
  if (isSeq(node)) return all(node.items.map(valueOf));
  if (!isMap(node)) return undefined;
  const keys = all(node.items.map(({ key }) => valueOf(key)));
  // A set: `{a, b}`.
  if (node.items.length > 0 && node.items.every(({ value }) => value === null)) return keys;
  const values = all(node.items.map(({ value }) => valueOf(value)));
  const names = keys?.map(keyText);
  if (names === undefined || values === undefined || names.includes(undefined)) return undefined;
  return Object.fromEntries(names.map((name, at) => [name ?? "", values[at] ?? null]));
}

function keyText(key: Literal): string | undefined {
  if (typeof key === "string") return key;
  return key === null || typeof key === "boolean" ? String(key) : undefined;
}

function wordValue(word: string): Literal {
  const known = WORDS.get(word.toLowerCase());
  return known === undefined ? word : known;
}

function all(values: readonly (Literal | undefined)[]): readonly Literal[] | undefined {
  return values.every((value) => value !== undefined) ? values : undefined;
}
