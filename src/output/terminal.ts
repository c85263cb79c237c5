// What is used of a terminal's stream, and its width.

import type { Env } from "../base/env.ts";

/** The used part of process.stdout and process.stderr. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  /** Width in characters; only on a terminal. */
  readonly columns?: number | undefined;
  /** Height in lines; only on a terminal. */
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/** Whether it is a terminal whose lines can be drawn again: one that is dumb shows the movements of the cursor. */
export function canRedraw({ isTTY }: Pick<TerminalStream, "isTTY">, env: Env): boolean {
  return isTTY === true && env["TERM"] !== "dumb";
}

/** The width of the terminal; 80 if unknown. */
export function widthOf(stream: TerminalStream): number {
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80;
}

/** The width to fit tables and text into; undefined in a pipe, where nothing is wrapped or shortened. */
export function terminalWidth(stream: TerminalStream): number | undefined {
  return stream.isTTY === true ? widthOf(stream) : undefined;
}
