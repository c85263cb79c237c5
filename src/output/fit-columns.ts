// Fits a table into a terminal: shortens names and sentences, and leaves out the columns that are needed least. Pure.

/** What fitting needs to know of a column. */
export interface FittedColumn {
  readonly header: string;
  readonly dropFirst?: number;
  readonly shorten?: { readonly at: "middle" | "end"; readonly to: number };
}

// As in kubectl: three spaces after the longest cell, but columns of at least six characters.
const GAP = 3;
const MIN_WIDTH = 6;

/** The width of a column with the space after it. */
export function columnWidth(cells: number): number {
  return Math.max(cells + GAP, MIN_WIDTH);
}

/**
 * The widths of the cells on a terminal, from those of the longest ones; 0 for a column that is left out. A header is
 * never cut. Without a terminal, and if nothing more can be left out, the widths stay.
 */
export function fitColumns(
  columns: readonly FittedColumn[],
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
