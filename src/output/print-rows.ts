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
  const objects = rows.values().map(toObject);
  if (format === "json") return writeList(objects, JSON_LIST, write);
  if (format === "yaml") return writeList(objects, YAML_LIST, write);
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

/** How a format writes a list, with a line break at the end. */
interface ListStyle {
  readonly toText: (value: unknown) => string;
  /** What stands between two items, and the indentation of their further lines. */
  readonly separator: string;
  readonly indent: string;
}

const JSON_LIST: ListStyle = {
  toText: (value) => `${indentedJson(value)}\n`,
  separator: ",\n        ",
  indent: "        ",
};
const YAML_LIST: ListStyle = { toText: toSortedYaml, separator: "\n- ", indent: "  " };

/** Writes a v1 List item by item: thousands of them as one text need several times its memory. */
function writeList(objects: Iterable<unknown>, style: ListStyle, write: (text: string) => void): void {
  const { toText, separator, indent } = style;
  const [head = "", tail = ""] = toText(listOf(["ITEM"])).split(/"?ITEM"?/);
  let before = head;
  for (const object of objects) {
    write(
      before +
        toText(object)
          .slice(0, -1)
          .replaceAll(/\n(?=.)/g, `\n${indent}`),
    );
    before = separator;
  }
  write(before === head ? toText(listOf([])) : tail);
}

/** A v1 List, as `kubectl get` prints several objects. */
function listOf(items: readonly unknown[]): unknown {
  return { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
}

function writeLines(lines: readonly string[], write: (text: string) => void): void {
  if (lines.length > 0) write(`${lines.join("\n")}\n`);
}
