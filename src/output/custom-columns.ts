// -o custom-columns: a table whose columns the user writes as HEADER:.path pairs, in one line or in a file.

import { SettingsError } from "../base/errors.ts";
import { isObject } from "../base/json.ts";
import { sortedEntries } from "./canonical-json.ts";
import { compileRelaxedPath, valuesOf } from "./jsonpath.ts";
import type { JsonPath } from "./jsonpath.ts";
import type { Column } from "./table.ts";

/** A column over objects as Kubernetes returns them. */
export type ObjectColumn = Column<unknown>;

// A comma that is neither in brackets nor in quotes. (kubectl splits at every comma, and so refuses [0,1].)
const PART = /(?:\[(?:"[^"]*"|'[^']*'|[^\]])*\]|[^,[])+/g;

/** Reads `NAME:.metadata.name,IMAGE:.spec.containers[*].image`. Throws SettingsError. */
export function parseCustomColumns(spec: string): readonly ObjectColumn[] {
  if (spec === "") throw badColumns(spec, "no columns given");
  const parts = spec.match(PART) ?? [];
  if (parts.join(",") !== spec) throw badColumns(spec, "a column is empty");
  return parts.map((part) => {
    const colon = part.indexOf(":");
    if (colon === -1) throw badColumns(spec, `"${part}" has no path`);
    return objectColumn(part.slice(0, colon), part.slice(colon + 1));
  });
}

/** Reads a template of two lines, headers and paths, separated by blanks. Throws SettingsError. */
export function parseColumnsTemplate(text: string, path: string): readonly ObjectColumn[] {
  const [headers = [], paths = []] = text.split(/\r?\n/).map((line) => line.match(/\S+/g) ?? []);
  if (headers.length === 0 || headers.length !== paths.length) {
    throw new SettingsError(
      `cannot read custom-columns-file "${path}": ${headers.length} headers but ${paths.length} paths`,
      { hint: "write the headers in the first line and as many paths in the second" },
    );
  }
  return headers.map((header, at) => objectColumn(header, paths[at] ?? ""));
}

function objectColumn(header: string, pathText: string): ObjectColumn {
  // An empty path is a column of <none>, as in kubectl.
  if (pathText === "") return { header, value: () => undefined };
  const path = compileRelaxedPath(pathText);
  if (path === undefined) throw badColumns(`${header}:${pathText}`, `"${pathText}" is not a single path`);
  return { header, value: (object) => textOfAll(path, object) };
}

function textOfAll(path: JsonPath, object: unknown): string | undefined {
  const found = valuesOf(path, object);
  return found.length === 0 ? undefined : found.map(goText).join(",");
}

/** A value as Go's fmt prints it, which is what kubectl's columns show: `map[a:1 b:[x y]]`. */
function goText(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return typeof value === "string" ? value : JSON.stringify(value);
  return `map[${sortedEntries(value)
    .map(([key, field]) => `${key}:${goText(field)}`)
    .join(" ")}]`;
}

function badColumns(spec: string, cause: string): SettingsError {
  return new SettingsError(`cannot read custom-columns "${spec}": ${cause}`, {
    hint: "write them like NAME:.metadata.name,STATUS:.status.phase",
  });
}
