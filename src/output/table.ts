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

interface Cell {
  readonly text: string;
  readonly tone: Tone | undefined;
}

/** The whole table with its header. Empty without rows. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions = {},
): readonly string[] {
  return rows.length === 0 ? [] : tableWriter(columns, options)(rows);
}

/**
 * A table that is printed in pages: returns the next rows as lines, at first with the header, even without rows. Column widths
 * are kept from page to page; a longer cell widens its column from there on, so thousands of rows need not be buffered.
 */
export function tableWriter<Row>(
  columns: readonly Column<Row>[],
  { wide, noHeaders, paint = plain, width }: TableOptions = {},
): (rows: readonly Row[]) => readonly string[] {
  const shown = columns.filter((column) => wide === true || column.wide !== true);
  const header = shown.map((column): Cell => ({ text: column.header, tone: "heading" }));
  const cellOf = (column: Column<Row>, row: Row): Cell => {
    const value = column.value(row);
    return { text: value === undefined ? "<none>" : asCell(String(value)), tone: column.colour?.(row) };
  };
  let first = noHeaders === true ? [] : [header];
  const longest = shown.map(() => 0);
  return (rows) => {
    const lines = [...first, ...rows.map((row) => shown.map((column) => cellOf(column, row)))];
    first = [];
    for (const cells of lines) {
      for (const [at, { text }] of cells.entries())
        longest[at] = Math.max(longest[at] ?? 0, displayWidth(text));
    }
    const widths = fitColumns(shown, longest, width);
    return lines.map((cells) => lineText(shown, cells, { widths, paint }));
  };
}

/** A width of 0: the column is left out. */
function lineText(
  columns: readonly Pick<Column<never>, "shorten">[],
  cells: readonly Cell[],
  { widths, paint }: { readonly widths: readonly number[]; readonly paint: Paint },
): string {
  const last = cells.findLastIndex(({ text }, at) => text !== "" && widths[at] !== 0);
  let line = "";
  for (const [at, { text, tone }] of cells.slice(0, last + 1).entries()) {
    const width = widths[at] ?? 0;
    if (width === 0) continue;
    const cell = (columns[at]?.shorten?.at === "middle" ? cutMiddle : cutToWidth)(text, width);
    line += paint(tone, cell);
    if (at < last) line += " ".repeat(columnWidth(width) - displayWidth(cell));
  }
  return line;
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
  for (const { at } of order) {
    if (lineWidth(least) <= terminal) break;
    widths[at] = 0;
    least[at] = 0;
  }
  // Names give way before sentences, and the longest first, so that short ones stay whole.
  for (const place of ["middle", "end"] as const) {
    for (let excess = lineWidth(widths) - terminal; excess > 0; excess--) {
      const spare = widths.map((width, at) =>
        columns[at]?.shorten?.at === place && width > (least[at] ?? 0) ? width : 0,
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
