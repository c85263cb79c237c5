// One line about work under way, rewritten in place on a terminal's stderr; nothing where there is no terminal.

import type { Clock } from "../base/clock.ts";
import { Repaint } from "./repaint.ts";
import type { TerminalStream } from "./terminal.ts";

// Ten times a second is all that eyes follow; more would only keep the terminal busy.
const MIN_INTERVAL_MS = 100;

/** The progress line of one command. */
export class Progress {
  readonly #stream: TerminalStream;
  readonly #clock: Pick<Clock, "now">;
  readonly #line: Repaint;
  #text: string | undefined;
  #paintedAtMs = Number.NEGATIVE_INFINITY;

  constructor(stream: TerminalStream, clock: Pick<Clock, "now">) {
    this.#stream = stream;
    this.#clock = clock;
    this.#line = new Repaint(stream);
  }

  /** Says how far the work is: `deleted 120 of 5000`. Updates in quick succession are skipped. */
  update(text: string): void {
    if (this.#stream.isTTY !== true) return;
    this.#text = text;
    const nowMs = this.#clock.now().getTime();
    if (nowMs - this.#paintedAtMs < MIN_INTERVAL_MS) return;
    this.#paintedAtMs = nowMs;
    this.#line.paint([text]);
  }

  /** Writes a line that stays, above the progress line; without a terminal too. */
  note(line: string): void {
    this.#line.clear();
    this.#stream.write(`${line}\n`);
    if (this.#text !== undefined) this.#line.paint([this.#text]);
  }

  /** Takes the line away. Call it before anything else is written, and at the end. */
  clear(): void {
    this.#line.clear();
    this.#text = undefined;
    this.#paintedAtMs = Number.NEGATIVE_INFINITY;
  }
}
