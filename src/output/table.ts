// Tables in kubectl's layout: three spaces between columns, no trailing spaces. On a terminal they are made to fit its width.

import { plain, type Paint, type Tone } from "./palette.ts";
import { asCell, cutMiddle, cutToWidth, displayWidth } from "./text-width.ts";

// As in kubectl: three spaces after the longest cell, but columns of at least six characters.
const GAP = 3;
const MIN_WIDTH = 6;

export interface Column<Row> {
  /** In upper case. */
  readonly header: string;
  /** Undefined is printed as `<none>`. */
  readonly value: (row: Row) => string | number | undefined;
  /** Only with -o wide. */
  readonly wide?: boolean;
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
  readonly paint?: Paint | undefined;
  /** The terminal's width; undefined: nothing is shortened or left out. */
  readonly width?: number | undefined;
}

interface Line<Row> {
  readonly cells: readonly string[];
  readonly toneOf: (column: Column<Row>) => Tone | undefined;
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
  readonly #widths: number[];
  #hasHeader = false;

  constructor(columns: readonly Column<Row>[], options: TableOptions = {}) {
    this.#columns = columns.filter((column) => options.wide === true || column.wide !== true);
    this.#options = options;
    this.#widths = this.#columns.map(() => 0);
  }

  /** The next rows as lines; the first call includes the header, even without rows. */
  lines(rows: readonly Row[]): readonly string[] {
    const lines = rows.map((row): Line<Row> => ({
      cells: this.#columns.map((column) => cellOf(column, row)),
      toneOf: (column) => column.colour?.(row),
    }));
    if (!this.#hasHeader && this.#options.noHeaders !== true)
      lines.unshift({ cells: this.#columns.map(({ header }) => header), toneOf: () => "heading" });
    this.#hasHeader = true;
    for (const { cells } of lines) {
      for (const [at, cell] of cells.entries())
        this.#widths[at] = Math.max(this.#widths[at] ?? 0, displayWidth(cell));
    }
    const widths = fitColumns(this.#columns, this.#widths, this.#options.width);
    return lines.map((line) => this.#text(line, widths));
  }

  /** A width of 0: the column is left out. */
  #text({ cells, toneOf }: Line<Row>, widths: readonly number[]): string {
    const { paint = plain } = this.#options;
    const last = cells.findLastIndex((cell, at) => cell !== "" && widths[at] !== 0);
    let line = "";
    for (const [at, column] of this.#columns.slice(0, last + 1).entries()) {
      const width = widths[at] ?? 0;
      if (width === 0) continue;
      const cell = (column.shorten?.at === "middle" ? cutMiddle : cutToWidth)(cells[at] ?? "", width);
      line += paint(toneOf(column), cell);
      if (at < last) line += " ".repeat(columnWidth(width) - displayWidth(cell));
    }
    return line;
  }
}

function cellOf<Row>(column: Column<Row>, row: Row): string {
  const value = column.value(row);
  return value === undefined ? "<none>" : asCell(String(value));
}

/** The width of a column with the space after it. */
function columnWidth(cells: number): number {
  return Math.max(cells + GAP, MIN_WIDTH);
}

/**
 * The widths of the cells on a terminal, from those of the longest ones; 0 for a column that is left out. A header is
 * never cut. Without a terminal, and if nothing more can be left out, the widths stay.
 */
export function fitColumns(
  columns: readonly Pick<Column<never>, "header" | "dropFirst" | "shorten">[],
  longest: readonly number[],
  terminal: number | undefined,
): readonly number[] {
  if (terminal === undefined) return longest;
  const least = columns.map(({ header, shorten }, at) =>
    Math.min(longest[at] ?? 0, Math.max(header.length, shorten?.to ?? Number.POSITIVE_INFINITY)),
  );
  const order = columns
    .flatMap(({ dropFirst }, at) => (dropFirst === undefined ? [] : [{ at, dropFirst }]))
    .sort((left, right) => right.dropFirst - left.dropFirst);
  const widths = [...longest];
  const remaining = [...least];
  for (const { at } of order) {
    if (lineWidth(remaining) <= terminal) break;
    widths[at] = 0;
    remaining[at] = 0;
  }
  // Names give way before sentences, and the longest first, so that short ones stay whole.
  for (const place of ["middle", "end"] as const) {
    for (let excess = lineWidth(widths) - terminal; excess > 0; excess--) {
      const spare = widths.map((width, at) =>
        columns[at]?.shorten?.at === place && width > (remaining[at] ?? 0) ? width : 0,
      );
      const at = spare.indexOf(Math.max(...spare));
      if ((spare[at] ?? 0) > 0) widths[at] = (widths[at] ?? 0) - 1;
    }
  }
  return widths;
}

/** The width of a line with these columns; the last one has no space after it. */
function lineWidth(widths: readonly number[]): number {
  const shown = widths.filter((width) => width > 0);
  const before = shown.slice(0, -1).reduce((sum, width) => sum + columnWidth(width), 0);
  return before + (shown.at(-1) ?? 0);
}
