// Rows to text in the chosen format: a whole listing at once, or piece by piece for pages and watches.

import { indentedJson } from "./canonical-json.ts";
import type { OutputFormat } from "./formats.ts";
import { printJsonPath } from "./jsonpath.ts";
import type { Palette } from "./palette.ts";
import { TableWriter } from "./table.ts";
import type { Column } from "./table.ts";
import { toSortedYaml } from "./yaml.ts";

/** How rows become text. */
export interface PrintOptions<Row> {
  readonly format: OutputFormat;
  /** The columns of -o table and wide. */
  readonly columns: readonly Column<Row>[];
  /** What -o json, yaml, jsonpath and custom-columns see of a row. */
  readonly toObject: (row: Row) => unknown;
  /** What -o name prints: `job.batch/prefect-job-1a2b`. */
  readonly name: (row: Row) => string;
  readonly noHeaders?: boolean | undefined;
  readonly palette?: Palette | undefined;
  /** The rows are one object that was asked for by name: json, yaml and jsonpath see it without a List around it. */
  readonly single?: boolean | undefined;
}

/** Prints a whole listing. Without rows a table prints nothing, the other formats an empty List. */
export function printRows<Row>(
  rows: readonly Row[],
  options: PrintOptions<Row>,
  write: (text: string) => void,
): void {
  const [only] = rows;
  const one = options.single === true && rows.length === 1 && only !== undefined;
  const whole = (): unknown => (one ? options.toObject(only) : listOf(rows.map(options.toObject)));
  switch (options.format.kind) {
    case "json":
      return write(`${indentedJson(whole())}\n`);
    case "yaml":
      return write(toSortedYaml(whole()));
    case "jsonpath":
      return write(printJsonPath(options.format.template, whole()));
    case "table":
    case "wide":
    case "name":
    case "custom-columns":
      return rowPrinter(options, write)(rows);
  }
}

/**
 * Prints rows as they come: tables keep their widths and their header is printed once; json, yaml (after `---`)
 * and jsonpath print each object for itself, as kubectl does with --watch.
 */
export function rowPrinter<Row>(
  options: PrintOptions<Row>,
  write: (text: string) => void,
): (rows: readonly Row[]) => void {
  const { format, toObject } = options;
  switch (format.kind) {
    case "table":
    case "wide": {
      const table = new TableWriter(options.columns, { ...options, wide: format.kind === "wide" });
      return (rows) => {
        if (rows.length > 0) writeLines(table.lines(rows), write);
      };
    }
    case "custom-columns": {
      const table = new TableWriter(format.columns, { noHeaders: options.noHeaders });
      return (rows) => writeLines(table.lines(rows.map(toObject)), write);
    }
    case "name":
      return (rows) => writeLines(rows.map(options.name), write);
    case "json":
      return (rows) => rows.forEach((row) => write(`${indentedJson(toObject(row))}\n`));
    case "jsonpath":
      return (rows) => rows.forEach((row) => write(printJsonPath(format.template, toObject(row))));
    default:
      return yamlPrinter(toObject, write);
  }
}

function yamlPrinter<Row>(
  toObject: (row: Row) => unknown,
  write: (text: string) => void,
): (rows: readonly Row[]) => void {
  let begun = false;
  return (rows) => {
    for (const row of rows) {
      write(`${begun ? "---\n" : ""}${toSortedYaml(toObject(row))}`);
      begun = true;
    }
  };
}

/** A v1 List, as `kubectl get` prints several objects. */
function listOf(items: readonly unknown[]): unknown {
  return { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
}

function writeLines(lines: readonly string[], write: (text: string) => void): void {
  if (lines.length > 0) write(`${lines.join("\n")}\n`);
}
