// Redraws a few lines of a terminal in place.

import { writeStyled } from "./clean.ts";
import { widthOf, type TerminalStream } from "./terminal.ts";
import { cutToWidth, displayWidth } from "./text-width.ts";

const LINE_START = "\r";
const ERASE_LINE_END = "\u001B[K";
const ERASE_BELOW = "\u001B[J";

/** The drawn lines. The cursor stays on the line below, so that other output does not overwrite them. */
export class Repaint {
  readonly #stream: TerminalStream;
  #widths: readonly number[] = [];

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  /**
   * Replaces the drawn lines; each is cut to the terminal's width, and at most one less than its height is drawn, since
   * others cannot be redrawn. What others wrote in them must be printable.
   */
  paint(lines: readonly string[]): void {
    const { rows = 0 } = this.#stream;
    const room = rows > 2 ? rows - 1 : lines.length;
    const hidden = `… and ${lines.length - room + 1} more`;
    const drawn = lines.length > room ? [...lines.slice(0, room - 1), hidden] : lines;
    const cut = drawn.map((line) => cutToWidth(line, widthOf(this.#stream)));
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
    // Terminals read 0 as 1.
    return height > 0 ? `${LINE_START}\u001B[${height}A` : LINE_START;
  }
}
