// A progress line, redrawn in place on a terminal; nothing without one that can do that.

import type { Env } from "../base/env.ts";
import { oneLine } from "./clean.ts";
import { Repaint } from "./repaint.ts";
import { canRedraw, type TerminalStream } from "./terminal.ts";
import { asCell } from "./text-width.ts";

export class Progress {
  readonly #stream: TerminalStream;
  readonly #isShown: boolean;
  readonly #line: Repaint;
  #text: string | undefined;

  constructor(stream: TerminalStream, env: Env = {}) {
    this.#stream = stream;
    this.#isShown = canRedraw(stream, env);
    this.#line = new Repaint(stream);
  }

  /** Shows the progress: `deleted 120 of 5000`. */
  update(text: string): void {
    if (!this.#isShown) return;
    this.#text = asCell(text);
    this.#line.paint([this.#text]);
  }

  /** Prints a permanent line above the progress line; also without a terminal. */
  printLine(line: string): void {
    this.#line.clear();
    this.#stream.write(`${oneLine(line)}\n`);
    if (this.#text !== undefined) this.#line.paint([this.#text]);
  }

  /** Erases the progress line. Must be called before anything else is written, and at the end. */
  clear(): void {
    this.#line.clear();
    this.#text = undefined;
  }
}
