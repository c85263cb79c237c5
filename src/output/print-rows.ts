// Prints rows in the chosen format: a whole listing at once, or in pieces for --watch.

import type { ListFormat } from "./formats.ts";
import { objectText } from "./object-text.ts";
import { tableWriter, type Column, type TableOptions } from "./table.ts";

export interface PrintOptions<Row> extends Omit<TableOptions, "wide"> {
  readonly format: ListFormat;
  /** The columns of -o table and wide. */
  readonly columns: readonly Column<Row>[];
  /** The object for -o json and yaml. */
  readonly toObject: (row: Row) => unknown;
  /** The text for -o name: `job.batch/prefect-job-1a2b`. */
  readonly name: (row: Row) => string;
}

type Write = (text: string) => void;

/** Prints a whole listing. Without rows a table is empty, json and yaml print an empty List. */
export function printRows<Row>(rows: readonly Row[], options: PrintOptions<Row>, write: Write): void {
  const { format, toObject } = options;
  if (format === "json" || format === "yaml") writeList(rows.values().map(toObject), format, write);
  else rowPrinter(options, write)(rows);
}

/**
 * Prints rows in pieces: a table keeps its column widths and prints its header once; json and yaml print single objects, as
 * kubectl does with --watch.
 */
export function rowPrinter<Row>(options: PrintOptions<Row>, write: Write): (rows: readonly Row[]) => void {
  const { format, toObject } = options;
  if (format === "name") return (rows) => writeLines(rows.map(options.name), write);
  if (format === "json" || format === "yaml") {
    const print = objectPrinter(format, write);
    return (rows) => rows.forEach((row) => print(toObject(row)));
  }
  const lines = tableWriter(options.columns, { ...options, wide: format === "wide" });
  return (rows) => {
    if (rows.length > 0) writeLines(lines(rows), write);
  };
}

/** Prints single objects one after the other: in YAML, documents of one stream. */
export function objectPrinter(format: "json" | "yaml", write: Write): (object: unknown) => void {
  let before = "";
  return (object) => {
    write(before + objectText(object, format));
    before = format === "yaml" ? "---\n" : "";
  };
}

/** What stands between two items of a list, and the indentation of their further lines. */
const LISTS = {
  json: { separator: ",\n        ", indent: "        " },
  yaml: { separator: "\n- ", indent: "  " },
} as const;

/** Writes a v1 List item by item: thousands of them as one text need several times its memory. */
function writeList(objects: Iterable<unknown>, format: keyof typeof LISTS, write: Write): void {
  const { separator, indent } = LISTS[format];
  const [head = "", tail = ""] = objectText(listOf(["ITEM"]), format).split(/"?ITEM"?/);
  let before = head;
  for (const object of objects) {
    const lines = objectText(object, format).slice(0, -1);
    write(before + lines.replaceAll(/\n(?=.)/g, `\n${indent}`));
    before = separator;
  }
  write(before === head ? objectText(listOf([]), format) : tail);
}

/** A v1 List, as `kubectl get` prints several objects. */
function listOf(items: readonly unknown[]): unknown {
  return { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
}

function writeLines(lines: readonly string[], write: Write): void {
  if (lines.length > 0) write(`${lines.join("\n")}\n`);
}
