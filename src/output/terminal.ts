// What is used of a terminal's stream, and its width.

/** The used part of process.stdout and process.stderr. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  /** Width in characters; only on a terminal. */
  readonly columns?: number | undefined;
  /** Height in lines; only on a terminal. */
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/** The width of the terminal; 80 if unknown. */
export function widthOf(stream: TerminalStream): number {
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80;
}

/** The width to fit tables and text into; undefined in a pipe, where nothing is wrapped or shortened. */
export function terminalWidth(stream: TerminalStream): number | undefined {
  return stream.isTTY === true ? widthOf(stream) : undefined;
}
