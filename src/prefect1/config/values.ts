// What a configured value means: text, switch, list or variables, read as its author meant it and not, as Prefect 1
// does, by whatever Python literal it happens to look like. An API key stays text, `a,b` is a list of two.

import type { Sourced } from "../../base/sourced.ts";
import { choiceHint } from "../../base/suggest.ts";
import { SettingsError } from "../../base/errors.ts";
import { isObject, objectIn } from "../../base/json.ts";
import { envText } from "../build/environment.ts";
import { parseLiteral } from "./literal.ts";

const YES = new Set(["true", "yes", "on"]);
const NO = new Set(["false", "no", "off", "none", ""]);

/** Text without quotes and white space around it. Undefined for nothing: the empty text and Python's None. */
export function textValue(entry: Sourced<unknown> | undefined): string | undefined {
  if (entry === undefined) return undefined;
  const { value } = entry;
  if (value === null || value === undefined) return undefined;
  if (typeof value !== "string") return envText(value);
  const text = unquoted(value);
  return text === "" || text === "None" ? undefined : text;
}

/** Yes or no. Numbers as Python sees them: 0 is no. Throws SettingsError for anything else. */
export function switchValue(entry: Sourced<unknown>): boolean {
  const { value } = entry;
  if (typeof value === "boolean") return value;
  const text = unquoted(envText(value)).toLowerCase();
  if (YES.has(text)) return true;
  if (NO.has(text)) return false;
  const number = Number(text);
  if (Number.isNaN(number)) throw unreadable(entry, "neither true nor false", "write true or false");
  return number !== 0;
}

/** A number. Throws SettingsError for anything else. */
export function numberValue(entry: Sourced<unknown>): number {
  const text = unquoted(envText(entry.value)).replaceAll("_", "");
  const number = Number(text);
  if (text === "" || !Number.isFinite(number))
    throw unreadable(entry, "not a number", "write a number, such as 15");
  return number;
}

/** A list of texts: a list of TOML, JSON or Python, `[a, b]`, `a,b`, or a single word. */
export function listValue(entry: Sourced<unknown>): string[] {
  const { value } = entry;
  const given = typeof value === "string" ? (parseLiteral(value.trim()) ?? value) : value;
  if (isObject(given)) throw unreadable(entry, "an object, not a list");
  if (Array.isArray(given)) return given.map((item) => envText(item));
  const text = textValue({ ...entry, value: given }) ?? "";
  return text
    .replace(/^\[(.*)\]$/s, "$1")
    .split(",")
    .map(unquoted)
    .filter((item) => item !== "");
}

/** Variables for flow runs, their values made texts. Throws SettingsError, without the values, for what is no object. */
export function variablesValue(entry: Sourced<unknown>): Record<string, string> {
  const { value } = entry;
  if (typeof value === "string" && textValue(entry) === undefined) return {};
  const given = typeof value === "string" ? parseLiteral(value.trim()) : value;
  if (!isObject(given)) {
    throw new SettingsError(`cannot read ${entry.source}: not an object`, {
      hint: 'write it as JSON, such as {"NAME": "value"}',
    });
  }
  const nested = typeof value === "string" ? objectIn(parseJson(value)) : given;
  const text = (name: string, item: unknown): string =>
    typeof item === "object" && item !== null ? envText(nested[name] ?? item) : envText(item);
  return Object.fromEntries(Object.entries(given).map(([name, item]) => [name, text(name, item)]));
}

/** One of a few words, in any case. Throws SettingsError for any other. */
export function choiceValue<T extends string>(entry: Sourced<unknown>, choices: readonly T[]): T {
  const text = textValue(entry) ?? "";
  const found = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  throw unreadable(entry, `not one of ${choices.join(", ")}`, choiceHint(text, choices));
}

/** A UUID in its usual form, as Python's UUID reads it. Throws SettingsError for anything else. */
export function uuidValue(entry: Sourced<unknown>): string | undefined {
  const text = textValue(entry);
  if (text === undefined) return undefined;
  const digits = text
    .toLowerCase()
    .replace(/^urn:uuid:/, "")
    .replace(/[{}-]/g, "");
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits);
  if (parts === null) throw unreadable(entry, "not a UUID", "copy the id from Prefect");
  return parts.slice(1).join("-");
}

function unreadable(entry: Sourced<unknown>, why: string, hint?: string): SettingsError {
  return new SettingsError(`cannot read ${entry.source} "${envText(entry.value)}": ${why}`, { hint });
}

/** Literals keep numbers as texts; what is nested in a variable needs them as numbers. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  if (!/^(["']).*\1$/s.test(trimmed) || trimmed.length < 2) return trimmed;
  const literal = parseLiteral(trimmed);
  return typeof literal === "string" ? literal : trimmed;
}
