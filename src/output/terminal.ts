// What output needs to know of a stream, and the few escape sequences that move a terminal's cursor.

/** The part of process.stdout and process.stderr that is used here. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  /** Width in characters; only of a terminal. */
  readonly columns?: number | undefined;
  /** Height in lines; only of a terminal. */
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/** To the first column of the line. */
export const LINE_START = "\r";
/** Erases from the cursor to the end of its line. */
export const ERASE_LINE_END = "\u001B[K";
/** Erases from the cursor to the end of the screen. */
export const ERASE_BELOW = "\u001B[J";

/** Moves the cursor so many lines up; nothing for none, since terminals read 0 as 1. */
export function cursorUp(lines: number): string {
  return lines > 0 ? `\u001B[${lines}A` : "";
}

/** The width of the stream's terminal, 80 where it does not say. */
export function widthOf(stream: TerminalStream): number {
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80;
}
