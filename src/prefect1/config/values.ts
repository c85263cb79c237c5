// Parses configured values by their expected type. Prefect 1 instead parses any value that looks like a Python literal;
// here an API key stays a string, and `a,b` is a list.

import type { LogLevel } from "../../base/log.ts";
import type { Sourced } from "../../base/sourced.ts";
import { choiceHint } from "../../base/suggest.ts";
import { SettingsError } from "../../base/errors.ts";
import { isObject, jsonIn, objectIn, textIn } from "../../base/json.ts";
import { envText } from "../build/environment.ts";
import { isMap, parseDocument, type ScalarTag } from "yaml";

const YES = new Set(["true", "yes", "on"]);
const NO = new Set(["false", "no", "off", "none", ""]);
const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARNING", "ERROR"];
const OTHER_NAMES: Readonly<Record<string, LogLevel>> = {
  "10": "DEBUG",
  "20": "INFO",
  "30": "WARNING",
  WARN: "WARNING",
  "40": "ERROR",
  "50": "ERROR",
  CRITICAL: "ERROR",
  FATAL: "ERROR",
};

/** The entry with its parsed value; undefined if one of the two is. */
export function mapValue<T>(
  entry: Sourced<unknown> | undefined,
  as: (entry: Sourced<unknown>) => T | undefined,
): Sourced<T> | undefined {
  const value = entry === undefined ? undefined : as(entry);
  return entry === undefined || value === undefined ? undefined : { value, source: entry.source };
}

/** Without surrounding quotes and white space. Undefined for an empty string and Python's None. */
export function textValue(entry: Sourced<unknown> | undefined): string | undefined {
  const value = entry?.value ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string") return envText(value);
  const text = unquote(value);
  return text === "" || text === "None" ? undefined : text;
}

/** A boolean. As in Python, 0 is false and other numbers are true. Throws SettingsError for anything else. */
export function switchValue(entry: Sourced<unknown>): boolean {
  const { value } = entry;
  if (typeof value === "boolean") return value;
  const text = unquote(envText(value)).toLowerCase();
  if (YES.has(text)) return true;
  if (NO.has(text)) return false;
  const number = Number(text);
  if (Number.isNaN(number)) throw invalid(entry, "neither true nor false", "write true or false");
  return number !== 0;
}

/** A number of seconds; 0 is no limit, which is Infinity. Throws SettingsError for anything else. */
export function secondsValue(entry: Sourced<unknown>): number {
  const text = unquote(envText(entry.value)).replaceAll("_", "");
  const seconds = Number(text);
  if (text === "" || !Number.isFinite(seconds))
    throw invalid(entry, "not a number", "write a number, such as 15");
  if (seconds < 0) throw invalid(entry, "less than 0", "write seconds, such as 15, or 0 for no limit");
  return seconds || Infinity;
}

/** Throws SettingsError, without the key, for one that no HTTP header can hold. */
export function checkApiKey({ value, source }: Sourced<string>): void {
  if (/^[\x21-\x7e]+$/.test(value)) return;
  const why = "it contains white space or other characters that are not allowed in an API key";
  throw new SettingsError(`cannot read ${source}: ${why}`, {
    hint: "copy the key again, without quotes or line breaks",
  });
}

/** A list of strings: a TOML, JSON or Python list, `[a, b]`, `a,b`, or a single word. */
export function listValue(entry: Sourced<unknown>): string[] {
  const { value } = entry;
  const parsed = typeof value === "string" ? (parseLiteral(value.trim()) ?? value) : value;
  if (isObject(parsed)) throw invalid(entry, "an object, not a list");
  if (Array.isArray(parsed)) return parsed.map((item) => envText(item));
  const text = textValue({ ...entry, value: parsed }) ?? "";
  return text
    .replace(/^\[(.*)\]$/s, "$1")
    .split(",")
    .map(unquote)
    .filter((item) => item !== "");
}

/**
 * Names of Secrets: a list, also as Go templates print one, `[a b]` and `[map[name:a]]`, or as a pod has it, `[{"name": "a"}]`
 * (PrefectHQ/prefect#6288).
 */
export function secretNamesValue(entry: Sourced<unknown>): string[] {
  const { value } = entry;
  const commas = (text: string): string =>
    text
      .replaceAll(/\bmap\[name:([^\s\]]*)\]/g, "$1")
      .replace(/^\s*\[([^,{]*)\]\s*$/, (_, names: string) => names.trim().replaceAll(/\s+/g, ","));
  const names = listValue(typeof value === "string" ? { ...entry, value: commas(value) } : entry);
  return names.map((name) => textIn(objectIn(jsonIn(name))["name"]) ?? name);
}

/** Variables for flow runs, with values as strings. Throws SettingsError, without the values, if it is not an object. */
export function variablesValue(entry: Sourced<unknown>): Record<string, string> {
  const { value } = entry;
  // Some write it in quotes, which `docker run --env-file` leaves in place.
  const written = typeof value === "string" ? unquote(value) : value;
  if (typeof written === "string" && textValue(entry) === undefined) return {};
  const parsed = typeof written === "string" ? parseLiteral(written) : written;
  if (!isObject(parsed)) {
    throw new SettingsError(`cannot read ${entry.source}: not an object`, {
      hint: 'write it as JSON, such as {"NAME": "value"}',
    });
  }
  // parseLiteral returns numbers as strings; nested values need them as numbers.
  const nested = typeof written === "string" ? objectIn(jsonIn(written)) : parsed;
  const text = (name: string, item: unknown): string =>
    envText(typeof item === "object" && item !== null ? (nested[name] ?? item) : item);
  return Object.fromEntries(Object.entries(parsed).map(([name, item]) => [name, text(name, item)]));
}

/** One of these words, ignoring case. Throws SettingsError for any other. */
export function choiceValue<T extends string>(entry: Sourced<unknown>, choices: readonly T[]): T {
  const text = textValue(entry) ?? "";
  const found = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(entry, `not one of ${choices.join(", ")}`, choiceHint(text, choices));
}

/** The agent's log level, by the names and numbers of Python's logging; INFO if empty. Throws SettingsError for another. */
export function levelValue(entry: Sourced<unknown>): LogLevel {
  const text = textValue(entry)?.toUpperCase();
  if (text === undefined) return "INFO";
  return OTHER_NAMES[text] ?? choiceValue(entry, LEVELS);
}

/** A UUID in canonical form; accepts all forms of Python's UUID. Throws SettingsError for anything else. */
export function uuidValue(entry: Sourced<unknown>): string | undefined {
  const text = textValue(entry);
  if (text === undefined) return undefined;
  const digits = text
    .toLowerCase()
    .replace(/^urn:uuid:/, "")
    .replace(/[{}-]/g, "");
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits);
  if (parts === null) throw invalid(entry, "not a UUID", "copy the id from Prefect");
  return parts.slice(1).join("-");
}

function invalid(entry: Sourced<unknown>, reason: string, hint?: string): SettingsError {
  return new SettingsError(`cannot read ${entry.source} "${envText(entry.value)}": ${reason}`, { hint });
}

/** Without surrounding white space and quotes. */
export function unquote(text: string): string {
  const trimmed = text.trim();
  if (!/^(["']).*\1$/s.test(trimmed) || trimmed.length < 2) return trimmed;
  const literal = parseLiteral(trimmed);
  return typeof literal === "string" ? literal : trimmed;
}

/** A text in quotes, which Prefect 1 needs to keep digits a text: without them. Any other value as it is. */
export function withoutQuotes(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = unquote(value);
  return text === value.trim() ? value : text;
}

const STRING_OR_PAREN = /(["'])((?:(?!\1)[^\\]|\\[^])*)\1|[()]/g;
const ESCAPE = /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/g;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "\n": "" };
const WORDS: readonly ScalarTag[] = [
  { tag: "empty", default: true, test: /^$/, resolve: (_, onError) => onError("empty") },
  { tag: "tag:yaml.org,2002:null", default: true, test: /^(?:none|null)$/i, resolve: () => null },
  {
    tag: "tag:yaml.org,2002:bool",
    default: true,
    test: /^(?:true|false)$/i,
    resolve: (text) => /t/i.test(text),
  },
];

/**
 * Reads Python literals, as Prefect 1 does, and JSON: as YAML's flow syntax, which lacks only tuples, sets and Python's escapes.
 * Numbers and bare words (`[a, b]`) are strings. The value of a list, tuple, set, object or quoted string; undefined for anything else. */
function parseLiteral(text: string): unknown {
  if (!/^\s*["'[({]/.test(text)) return undefined;
  try {
    const customTags = [...WORDS];
    const document = parseDocument(asYaml(text), { schema: "failsafe", customTags, uniqueKeys: false });
    const { contents, errors } = document;
    if (errors.length > 0) return undefined;
    const isSet =
      isMap(contents) && contents.items.length > 0 && contents.items.every(({ value }) => value === null);
    const value = document.toJS() as unknown;
    return isSet ? Object.keys(objectIn(value)) : value;
  } catch {
    // A code point that does not exist, or an alias.
    return undefined;
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
