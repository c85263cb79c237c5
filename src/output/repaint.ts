// Redraws a few lines of a terminal in place.

import { writeStyled } from "./clean.ts";
import { cursorUp, ERASE_BELOW, ERASE_LINE_END, LINE_START, widthOf } from "./terminal.ts";
import type { TerminalStream } from "./terminal.ts";
import { cutToWidth, displayWidth } from "./text-width.ts";

/** The drawn lines. The cursor stays on the line below, so that other output does not overwrite them. */
export class Repaint {
  readonly #stream: TerminalStream;
  #widths: readonly number[] = [];

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  /** Replaces the drawn lines; each is cut to the terminal's width. What others wrote in them must be printable. */
  paint(lines: readonly string[]): void {
    const cut = lines.map((line) => cutToWidth(line, widthOf(this.#stream)));
    // Erase first: after a line as wide as the terminal, erasing would remove its last character.
    const text = cut.map((line) => `${ERASE_LINE_END}${line}\n`).join("");
    writeStyled(this.#stream, `${this.#toTop()}${text}${ERASE_BELOW}`);
    this.#widths = cut.map(displayWidth);
  }

  /** Erases the drawn lines. */
  clear(): void {
    if (this.#widths.length === 0) return;
    writeStyled(this.#stream, `${this.#toTop()}${ERASE_BELOW}`);
    this.#widths = [];
  }

  /** Leaves the drawn lines on the screen, and clears the line below, where ^C may have been echoed. */
  leave(): void {
    if (this.#widths.length > 0) writeStyled(this.#stream, LINE_START + ERASE_LINE_END);
    this.#widths = [];
  }

  /** A terminal that has become narrower may have wrapped the drawn lines. */
  #toTop(): string {
    const width = widthOf(this.#stream);
    const height = this.#widths.reduce((sum, line) => sum + Math.max(1, Math.ceil(line / width)), 0);
    return LINE_START + cursorUp(height);
  }
}
