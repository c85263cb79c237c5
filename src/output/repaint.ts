// A few lines of a terminal that are written again and again in the same place.

import { cursorUp, ERASE_BELOW, ERASE_LINE_END, LINE_START, widthOf } from "./terminal.ts";
import type { TerminalStream } from "./terminal.ts";
import { cutToWidth, displayWidth } from "./text-width.ts";

/** The painted region. The cursor rests on the line below it, so that whoever writes next does no harm. */
export class Repaint {
  readonly #stream: TerminalStream;
  #widths: readonly number[] = [];

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  /** Replaces what was painted by these lines, each cut to the terminal's width. */
  paint(lines: readonly string[]): void {
    const cut = lines.map((line) => cutToWidth(line, widthOf(this.#stream)));
    // Erased before it is written: behind a line as wide as the terminal, erasing would take its last character.
    const text = cut.map((line) => `${ERASE_LINE_END}${line}\n`).join("");
    this.#stream.write(`${this.#toTop()}${text}${ERASE_BELOW}`);
    this.#widths = cut.map(displayWidth);
  }

  /** Removes what was painted. */
  clear(): void {
    if (this.#widths.length === 0) return;
    this.#stream.write(`${this.#toTop()}${ERASE_BELOW}`);
    this.#widths = [];
  }

  /** Leaves what is painted for good, and the line below it free of what was typed there, such as ^C. */
  leave(): void {
    if (this.#widths.length > 0) this.#stream.write(LINE_START + ERASE_LINE_END);
    this.#widths = [];
  }

  /** The terminal may have become narrower meanwhile and have wrapped what was painted. */
  #toTop(): string {
    const width = widthOf(this.#stream);
    const height = this.#widths.reduce((sum, line) => sum + Math.max(1, Math.ceil(line / width)), 0);
    return LINE_START + cursorUp(height);
  }
}
