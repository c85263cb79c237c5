// Prefect's TOML files: config.toml, backend.toml and auth.toml. Each may be missing.

import { parse, TomlError } from "smol-toml";
import type { ReadFile } from "./env.ts";
import { SettingsError } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";

/** The parsed file; undefined when there is no such file. Throws SettingsError that names line and column. */
export function readToml(path: string, readFile: ReadFile): JsonObject | undefined {
  const text = readFile(path);
  if (text === undefined) return undefined;
  try {
    return withoutBigInts(parse(text, { integersAsBigInt: "asNeeded" })) as JsonObject;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = `line ${error.line}, column ${error.column}`;
    throw new SettingsError(`cannot read "${path}": ${firstLine(error)} at ${place}`, {
      hint: "fix the TOML syntax of the file",
    });
  }
}

/** Without the source excerpt that follows: it may contain an API key. */
function firstLine(error: Error): string {
  return (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
}

/** Whole numbers over 2^53 as texts of their digits, as in JSON (json.ts). */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (!isObject(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutBigInts(each)]));
}
