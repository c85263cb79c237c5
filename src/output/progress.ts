// A progress line, redrawn in place on a terminal; nothing without one that can do that.

import type { Clock } from "../base/clock.ts";
import type { Env } from "../base/env.ts";
import { oneLine } from "./clean.ts";
import { Repaint } from "./repaint.ts";
import { canRedraw, type TerminalStream } from "./terminal.ts";
import { asCell } from "./text-width.ts";

// Faster updates are not readable.
const MIN_INTERVAL_MS = 100;

export class Progress {
  readonly #stream: TerminalStream;
  readonly #isShown: boolean;
  readonly #clock: Pick<Clock, "now">;
  readonly #line: Repaint;
  #text: string | undefined;
  #paintedAtMs = Number.NEGATIVE_INFINITY;

  constructor(stream: TerminalStream, clock: Pick<Clock, "now">, env: Env = {}) {
    this.#stream = stream;
    this.#isShown = canRedraw(stream, env);
    this.#clock = clock;
    this.#line = new Repaint(stream);
  }

  /** Shows the progress: `deleted 120 of 5000`. Too frequent updates are skipped. */
  update(text: string): void {
    if (!this.#isShown) return;
    this.#text = asCell(text);
    const nowMs = this.#clock.now().getTime();
    if (nowMs - this.#paintedAtMs < MIN_INTERVAL_MS) return;
    this.#paintedAtMs = nowMs;
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
    this.#paintedAtMs = Number.NEGATIVE_INFINITY;
  }
}
