// Prefect's TOML files: config.toml, backend.toml and auth.toml. Each may be missing.

import { parse, TomlError } from "smol-toml";
import { SettingsError } from "./errors.ts";
import type { JsonObject } from "./json.ts";

/** The text of a file, or undefined when there is none. */
export type ReadFile = (path: string) => string | undefined;

/** A TOML file as an object; undefined when there is no file. Throws SettingsError that names line and column. */
export function readToml(path: string, readFile: ReadFile): JsonObject | undefined {
  const text = readFile(path);
  if (text === undefined) return undefined;
  try {
    // A byte order mark is what some editors on Windows begin with.
    return parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const place = `line ${error.line}, column ${error.column}`;
    throw new SettingsError(`cannot read "${path}": ${firstLine(error)} at ${place}`, {
      hint: "mend the file; it is TOML",
    });
  }
}

/** Without the source excerpt that follows: the line may hold an API key. */
function firstLine(error: Error): string {
  return (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
}
