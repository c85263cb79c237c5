// What -o may say, read into a value. Templates are compiled here, so that a bad one fails before any request.

import { SettingsError, textOf } from "../base/errors.ts";
import { parseColumnsTemplate, parseCustomColumns } from "./custom-columns.ts";
import type { ObjectColumn } from "./custom-columns.ts";
import { compileJsonPath } from "./jsonpath.ts";
import type { JsonPath } from "./jsonpath.ts";

/** An output format, ready for use. */
export type OutputFormat =
  | { readonly kind: "table" | "wide" | "json" | "yaml" | "name" }
  | { readonly kind: "jsonpath"; readonly template: JsonPath }
  | { readonly kind: "custom-columns"; readonly columns: readonly ObjectColumn[] };

const ALL =
  "table, wide, json, yaml, name, jsonpath=…, jsonpath-file=…, custom-columns=… or custom-columns-file=…";
const GO_TEMPLATES = new Set(["go-template", "go-template-file", "template", "templatefile"]);

/**
 * Reads -o; nothing means table. `readText` reads the file of jsonpath-file and custom-columns-file.
 * Throws SettingsError for unknown formats and for templates that cannot be read.
 */
export function parseOutputFormat(
  text: string | undefined,
  readText: (path: string) => string,
): OutputFormat {
  const whole = text ?? "";
  const equals = whole.indexOf("=");
  const name = (equals === -1 ? whole : whole.slice(0, equals)).toLowerCase();
  const argument = equals === -1 ? undefined : whole.slice(equals + 1);
  switch (name) {
    case "":
      if (argument === undefined) return { kind: "table" };
      break;
    case "table":
    case "wide":
    case "json":
    case "yaml":
    case "name":
      if (argument === undefined) return { kind: name };
      throw badFormat(whole, `${name} takes no argument`, `write -o ${name}`);
    case "jsonpath":
      return { kind: "jsonpath", template: compileJsonPath(needed(whole, argument)) };
    case "jsonpath-file":
      return { kind: "jsonpath", template: compileJsonPath(fileText(whole, argument, readText)) };
    case "custom-columns":
      return { kind: "custom-columns", columns: parseCustomColumns(needed(whole, argument)) };
    case "custom-columns-file":
      return {
        kind: "custom-columns",
        columns: parseColumnsTemplate(fileText(whole, argument, readText), argument ?? ""),
      };
    default:
  }
  if (GO_TEMPLATES.has(name)) {
    throw badFormat(whole, "Go templates are not supported", "use -o jsonpath=… or -o custom-columns=…");
  }
  throw badFormat(whole, "unknown output format", `use ${ALL}`);
}

const EXAMPLES: Readonly<Record<string, string>> = {
  jsonpath: "write it like -o jsonpath='{.items[*].metadata.name}'",
  "custom-columns": "write it like -o custom-columns=NAME:.metadata.name",
};

function needed(whole: string, argument: string | undefined): string {
  if (argument !== undefined && argument !== "") return argument;
  const name = whole.replace(/=$/, "").toLowerCase();
  throw badFormat(whole, "nothing follows it", EXAMPLES[name] ?? `write it like -o ${name}=FILE`);
}

function fileText(whole: string, argument: string | undefined, readText: (path: string) => string): string {
  const path = needed(whole, argument);
  try {
    return readText(path);
  } catch (error) {
    // What is there and cannot be read has been said.
    if (error instanceof SettingsError) throw error;
    throw new SettingsError(`cannot read the template "${path}": ${textOf(error)}`, {
      hint: "-o jsonpath-file=… and custom-columns-file=… take the path of a readable file",
      cause: error,
    });
  }
}

function badFormat(whole: string, cause: string, hint: string): SettingsError {
  return new SettingsError(`cannot read -o "${whole}": ${cause}`, { hint });
}
