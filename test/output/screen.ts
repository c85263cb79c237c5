// A small fake terminal: the visible lines after the escape sequences that output/ uses.

import type { TerminalStream } from "../../src/output/terminal.ts";

// oxlint-disable-next-line no-control-regex -- escape sequences are control characters
const PIECE = /\u001B\[(\d*)([A-Za-z])|[\s\S]/gu;

/** Supports line breaks, wrapping, cursor up, and erasing to the end of the line or screen; each character is one column wide. */
export class Screen implements TerminalStream {
  readonly isTTY: boolean;
  columns: number;
  rows: number;
  /** Everything that was written, with escape sequences. */
  written = "";
  #lines: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(size: { columns?: number; rows?: number; isTTY?: boolean } = {}) {
    this.columns = size.columns ?? 80;
    this.rows = size.rows ?? 24;
    this.isTTY = size.isTTY ?? true;
  }

  write(text: string): void {
    this.written += text;
    for (const [piece, amount, command] of text.matchAll(PIECE)) {
      if (command === "A") this.#row = Math.max(0, this.#row - Number(amount === "" ? 1 : amount));
      else if (command === "K") this.#lines[this.#row] = this.#line().slice(0, this.#column);
      else if (command === "J") {
        this.#lines.length = this.#row + 1;
        this.#lines[this.#row] = this.#line().slice(0, this.#column);
      } else if (piece === "\r") this.#column = 0;
      else if (piece === "\n") this.#down();
      else if (command === undefined) this.#put(piece);
    }
  }

  /** The visible lines without the empty ones at the end. */
  seen(): readonly string[] {
    const last = this.#lines.findLastIndex((line) => line !== "");
    return this.#lines.slice(0, last + 1);
  }

  /** Makes the window narrower: wraps the lines. */
  narrowTo(columns: number): void {
    const wrapped = this.#lines.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [""]);
    this.columns = columns;
    this.#row += wrapped.length - this.#lines.length;
    this.#lines = wrapped;
  }

  #line(): string {
    return this.#lines[this.#row] ?? "";
  }

  #down(): void {
    this.#row++;
    this.#column = 0;
    this.#lines[this.#row] ??= "";
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#down();
    const line = this.#line();
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }
}
