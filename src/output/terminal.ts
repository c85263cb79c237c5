// The type of a terminal stream, and escape sequences that move the cursor.

/** The used part of process.stdout and process.stderr. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  /** Width in characters; only on a terminal. */
  readonly columns?: number | undefined;
  /** Height in lines; only on a terminal. */
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/** Moves the cursor to the first column. */
export const LINE_START = "\r";
/** Erases from the cursor to the end of its line. */
export const ERASE_LINE_END = "\u001B[K";
/** Erases from the cursor to the end of the screen. */
export const ERASE_BELOW = "\u001B[J";

/** Moves the cursor up; empty for 0 lines, because terminals read 0 as 1. */
export function cursorUp(lines: number): string {
  return lines > 0 ? `\u001B[${lines}A` : "";
}

/** The width of the terminal; 80 if unknown. */
export function widthOf(stream: TerminalStream): number {
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80;
}

/** The width to fit tables and text into; undefined in a pipe, where nothing is wrapped or shortened. */
export function terminalWidth(stream: TerminalStream): number | undefined {
  return stream.isTTY === true ? widthOf(stream) : undefined;
}
