// A table that is redrawn in place on a terminal, for --watch.

import { Repaint } from "./repaint.ts";
import { tableLines } from "./table.ts";
import type { Column, TableOptions } from "./table.ts";
import { terminalWidth } from "./terminal.ts";
import type { TerminalStream } from "./terminal.ts";

export class LiveTable<Row> {
  readonly #stream: TerminalStream;
  readonly #columns: readonly Column<Row>[];
  readonly #options: TableOptions;
  readonly #screen: Repaint;

  constructor(stream: TerminalStream, columns: readonly Column<Row>[], options: TableOptions = {}) {
    this.#stream = stream;
    this.#columns = columns;
    this.#options = options;
    this.#screen = new Repaint(stream);
  }

  /** Shows the rows in place of the last ones: at most one line less than the terminal's height, since others cannot be redrawn. */
  show(rows: readonly Row[]): void {
    const lines = tableLines(this.#columns, rows, { ...this.#options, width: terminalWidth(this.#stream) });
    const height = this.#stream.rows ?? 0;
    const maxLines = height > 2 ? height - 1 : lines.length;
    const hidden = `… and ${lines.length - maxLines + 1} more`;
    this.#screen.paint(lines.length > maxLines ? [...lines.slice(0, maxLines - 1), hidden] : lines);
  }

  /** Erases the table, so that other lines can be written; the next `show` draws it below them. */
  clear(): void {
    this.#screen.clear();
  }

  /** Ends the table and leaves it on the terminal. */
  end(): void {
    this.#screen.leave();
  }
}
