// Prints rows in the chosen format: a whole listing at once, or in pieces for --watch.

import { indentedJson } from "./canonical-json.ts";
import type { ListFormat } from "./formats.ts";
import type { Palette } from "./palette.ts";
import { TableWriter } from "./table.ts";
import type { Column } from "./table.ts";
import { toSortedYaml } from "./yaml.ts";

export interface PrintOptions<Row> {
  readonly format: ListFormat;
  /** The columns of -o table and wide. */
  readonly columns: readonly Column<Row>[];
  /** The object for -o json and yaml. */
  readonly toObject: (row: Row) => unknown;
  /** The text for -o name: `job.batch/prefect-job-1a2b`. */
  readonly name: (row: Row) => string;
  readonly noHeaders?: boolean | undefined;
  readonly palette?: Palette | undefined;
  /** The terminal's width; undefined in a pipe. */
  readonly width?: number | undefined;
}

/** Prints a whole listing. Without rows a table is empty, json and yaml print an empty List. */
export function printRows<Row>(
  rows: readonly Row[],
  options: PrintOptions<Row>,
  write: (text: string) => void,
): void {
  const { format, toObject } = options;
  if (format === "json") return write(`${indentedJson(listOf(rows.map(toObject)))}\n`);
  if (format === "yaml") return write(toSortedYaml(listOf(rows.map(toObject))));
  rowPrinter(options, write)(rows);
}

/**
 * Prints rows in pieces: a table keeps its column widths and prints its header once; json and yaml print single objects, as
 * kubectl does with --watch.
 */
export function rowPrinter<Row>(
  options: PrintOptions<Row>,
  write: (text: string) => void,
): (rows: readonly Row[]) => void {
  const { format, toObject } = options;
  switch (format) {
    case "table":
    case "wide": {
      const table = new TableWriter(options.columns, { ...options, wide: format === "wide" });
      return (rows) => {
        if (rows.length > 0) writeLines(table.lines(rows), write);
      };
    }
    case "name":
      return (rows) => writeLines(rows.map(options.name), write);
    case "json":
      return (rows) => rows.forEach((row) => write(`${indentedJson(toObject(row))}\n`));
    case "yaml": {
      let hasPrinted = false;
      return (rows) => {
        for (const row of rows) {
          write(`${hasPrinted ? "---\n" : ""}${toSortedYaml(toObject(row))}`);
          hasPrinted = true;
        }
      };
    }
  }
}

/** A v1 List, as `kubectl get` prints several objects. */
function listOf(items: readonly unknown[]): unknown {
  return { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
}

function writeLines(lines: readonly string[], write: (text: string) => void): void {
  if (lines.length > 0) write(`${lines.join("\n")}\n`);
}
