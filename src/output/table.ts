// Tables in kubectl's layout: three spaces between columns, no trailing spaces. On a terminal they are made to fit its width.

import { columnWidth, fitColumns } from "./fit-columns.ts";
import { plainPalette } from "./palette.ts";
import type { Palette, Tone } from "./palette.ts";
import { asCell, cutMiddle, cutToWidth, displayWidth, padToWidth } from "./text-width.ts";

export interface Column<Row> {
  /** In upper case. */
  readonly header: string;
  /** Undefined is printed as `<none>`. */
  readonly value: (row: Row) => string | number | undefined;
  /** Only with -o wide. */
  readonly wide?: boolean;
  readonly align?: "left" | "right";
  /** The colour of the cell; undefined: none. */
  readonly colour?: (row: Row) => Tone | undefined;
  /** On a narrow terminal the columns with the highest numbers are left out first; undefined: never. */
  readonly dropFirst?: number;
  /** On a narrow terminal: where cells may be shortened, and to how many characters. */
  readonly shorten?: { readonly at: "middle" | "end"; readonly to: number };
}

export interface TableOptions {
  readonly wide?: boolean | undefined;
  readonly noHeaders?: boolean | undefined;
  readonly palette?: Palette | undefined;
  /** The terminal's width; undefined: nothing is shortened or left out. */
  readonly width?: number | undefined;
}

/** The whole table with its header. Empty without rows. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions = {},
): readonly string[] {
  return rows.length === 0 ? [] : new TableWriter(columns, options).lines(rows);
}

/**
 * A table that is printed in pages. Column widths are kept from page to page; a longer cell widens its column from there
 * on, so thousands of rows need not be buffered to align them.
 */
export class TableWriter<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #options: TableOptions;
  readonly #palette: Palette;
  readonly #widths: number[];
  #hasHeader = false;

  constructor(columns: readonly Column<Row>[], options: TableOptions = {}) {
    this.#columns = columns.filter((column) => options.wide === true || column.wide !== true);
    this.#options = options;
    this.#palette = options.palette ?? plainPalette;
    this.#widths = this.#columns.map(() => 0);
  }

  /** The next rows as lines; the first call includes the header, even without rows. */
  lines(rows: readonly Row[]): readonly string[] {
    const cells = rows.map((row) => this.#columns.map((column) => cellOf(column, row)));
    const heading =
      this.#hasHeader || this.#options.noHeaders === true
        ? []
        : [this.#columns.map((column) => column.header)];
    this.#hasHeader = true;
    for (const line of [...heading, ...cells]) this.#widen(line);
    const widths = fitColumns(this.#columns, this.#widths, this.#options.width);
    return [
      ...heading.map((line) => this.#line(line, widths, () => this.#palette.heading)),
      ...cells.map((line, at) => this.#line(line, widths, (column) => this.#paintOf(column, rows[at]))),
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

  /** A width of 0: the column is left out. */
  #line(
    cells: readonly string[],
    widths: readonly number[],
    paintOf: (column: Column<Row>) => ((text: string) => string) | undefined,
  ): string {
    const last = cells.findLastIndex((cell, at) => cell !== "" && widths[at] !== 0);
    let line = "";
    for (const [at, column] of this.#columns.entries()) {
      const width = widths[at] ?? 0;
      if (at > last) break;
      if (width === 0) continue;
      const cut = column.shorten?.at === "middle" ? cutMiddle : cutToWidth;
      const cell = cut(cells[at] ?? "", width);
      const before = column.align === "right" ? " ".repeat(width - displayWidth(cell)) : "";
      const painted = paintOf(column)?.(cell) ?? cell;
      const used = before.length + displayWidth(cell);
      line += before + painted + (at === last ? "" : padToWidth("", columnWidth(width) - used));
    }
    return line;
  }
}

function cellOf<Row>(column: Column<Row>, row: Row): string {
  const value = column.value(row);
  return value === undefined ? "<none>" : asCell(String(value));
}
