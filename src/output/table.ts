// Tables in kubectl's layout: columns as data, three blanks between them, nothing at the end of a line.

import { plainPalette } from "./palette.ts";
import type { Palette, Tone } from "./palette.ts";
import { asCell, displayWidth, padToWidth } from "./text-width.ts";

/** A column: what it is called and what it shows of a row. */
export interface Column<Row> {
  /** As it is printed; in our own tables upper case. */
  readonly header: string;
  /** Undefined is printed as `<none>`. */
  readonly value: (row: Row) => string | number | undefined;
  /** Only with -o wide. */
  readonly wide?: boolean;
  readonly align?: "left" | "right";
  /** What the cell means; undefined leaves it uncoloured. */
  readonly colour?: (row: Row) => Tone | undefined;
}

export interface TableOptions {
  readonly wide?: boolean | undefined;
  readonly noHeaders?: boolean | undefined;
  readonly palette?: Palette | undefined;
}

// As kubectl's tabwriter is set: three blanks after the longest cell, but never less than six columns in all.
const GAP = 3;
const MIN_WIDTH = 6;

/** The whole table, its header first. No rows, no lines: what to say then is the caller's choice. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions = {},
): readonly string[] {
  return rows.length === 0 ? [] : new TableWriter(columns, options).lines(rows);
}

/**
 * A table that arrives in pages: each page is laid out at once, and widths are kept from page to page. A longer
 * cell widens its column from there on, so thousands of rows need not be held to align them.
 */
export class TableWriter<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #options: TableOptions;
  readonly #palette: Palette;
  readonly #widths: number[];
  #begun = false;

  constructor(columns: readonly Column<Row>[], options: TableOptions = {}) {
    this.#columns = columns.filter((column) => options.wide === true || column.wide !== true);
    this.#options = options;
    this.#palette = options.palette ?? plainPalette;
    this.#widths = this.#columns.map(() => 0);
  }

  /** The next rows as lines; before the first of all lines the header, even if there are no rows. */
  lines(rows: readonly Row[]): readonly string[] {
    const cells = rows.map((row) => this.#columns.map((column) => cellOf(column, row)));
    const heading =
      this.#begun || this.#options.noHeaders === true ? [] : [this.#columns.map((column) => column.header)];
    this.#begun = true;
    for (const line of [...heading, ...cells]) this.#widen(line);
    return [
      ...heading.map((line) => this.#line(line, () => this.#palette.heading)),
      ...cells.map((line, at) => this.#line(line, (column) => this.#paintOf(column, rows[at]))),
    ];
  }

  #widen(line: readonly string[]): void {
    for (const [at, cell] of line.entries()) {
      this.#widths[at] = Math.max(this.#widths[at] ?? 0, displayWidth(cell));
    }
  }

  #paintOf(column: Column<Row>, row: Row | undefined): ((text: string) => string) | undefined {
    const tone = row === undefined ? undefined : column.colour?.(row);
    return tone === undefined ? undefined : this.#palette[tone];
  }

  #line(
    cells: readonly string[],
    paintOf: (column: Column<Row>) => ((text: string) => string) | undefined,
  ): string {
    const last = cells.findLastIndex((cell) => cell !== "");
    let line = "";
    for (const [at, column] of this.#columns.entries()) {
      if (at > last) break;
      const cell = cells[at] ?? "";
      const width = this.#widths[at] ?? 0;
      const before = column.align === "right" ? " ".repeat(width - displayWidth(cell)) : "";
      const painted = paintOf(column)?.(cell) ?? cell;
      const taken = before.length + displayWidth(cell);
      const after = at === last ? "" : padToWidth("", Math.max(width + GAP, MIN_WIDTH) - taken);
      line += before + painted + after;
    }
    return line;
  }
}

function cellOf<Row>(column: Column<Row>, row: Row): string {
  const value = column.value(row);
  return value === undefined ? "<none>" : asCell(String(value));
}
