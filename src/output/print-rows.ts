// Rows to text in the chosen format: a whole listing at once, or piece by piece for a watch.

import { indentedJson } from "./canonical-json.ts";
import type { ListFormat } from "./formats.ts";
import type { Palette } from "./palette.ts";
import { TableWriter } from "./table.ts";
import type { Column } from "./table.ts";
import { toSortedYaml } from "./yaml.ts";

/** How rows become text. */
export interface PrintOptions<Row> {
  readonly format: ListFormat;
  /** The columns of -o table and wide. */
  readonly columns: readonly Column<Row>[];
  /** What -o json and yaml print of a row. */
  readonly toObject: (row: Row) => unknown;
  /** What -o name prints: `job.batch/prefect-job-1a2b`. */
  readonly name: (row: Row) => string;
  readonly noHeaders?: boolean | undefined;
  readonly palette?: Palette | undefined;
}

/** Prints a whole listing. Without rows a table prints nothing, json and yaml an empty List. */
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
 * Prints rows as they come: a table keeps its widths and prints its header once; json and yaml (after `---`) print each
 * object for itself, as kubectl does with --watch.
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
      let begun = false;
      return (rows) => {
        for (const row of rows) {
          write(`${begun ? "---\n" : ""}${toSortedYaml(toObject(row))}`);
          begun = true;
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
