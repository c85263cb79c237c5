// A table for --watch: redrawn in place on a terminal, changed rows appended in a pipe.

import { writeStyled } from "./clean.ts";
import { Repaint } from "./repaint.ts";
import { tableLines, TableWriter } from "./table.ts";
import type { Column, TableOptions } from "./table.ts";
import { terminalWidth } from "./terminal.ts";
import type { TerminalStream } from "./terminal.ts";

export interface LiveTableOptions<Row> extends TableOptions {
  readonly columns: readonly Column<Row>[];
  /** Identifies a row: namespace and name. */
  readonly key: (row: Row) => string;
  /** In a pipe a row is printed again when this changes: everything but the age. */
  readonly fingerprint: (row: Row) => string;
}

export class LiveTable<Row> {
  readonly #stream: TerminalStream;
  readonly #options: LiveTableOptions<Row>;
  readonly #screen: Repaint;
  readonly #pipe: TableWriter<Row>;
  #printed: ReadonlyMap<string, string> = new Map();

  constructor(stream: TerminalStream, options: LiveTableOptions<Row>) {
    this.#stream = stream;
    this.#options = options;
    this.#screen = new Repaint(stream);
    this.#pipe = new TableWriter(options.columns, options);
  }

  /** Shows all rows; in a pipe only those that are new or changed since the last call. */
  show(rows: readonly Row[]): void {
    if (this.#stream.isTTY === true) this.#screen.paint(this.#fitting(rows));
    else this.#append(rows);
  }

  /** Erases the table, so that other lines can be written; the next `show` draws it below them. */
  clear(): void {
    this.#screen.clear();
  }

  /** Ends the table and leaves it on the terminal. */
  end(): void {
    this.#screen.leave();
  }

  /** At most one line less than the terminal's height: lines that have scrolled off cannot be redrawn. */
  #fitting(rows: readonly Row[]): readonly string[] {
    const options = { ...this.#options, width: terminalWidth(this.#stream) };
    const lines = tableLines(options.columns, rows, options);
    const height = this.#stream.rows ?? 0;
    const maxLines = height > 2 ? height - 1 : lines.length;
    if (lines.length <= maxLines) return lines;
    return [...lines.slice(0, maxLines - 1), `… and ${lines.length - maxLines + 1} more`];
  }

  #append(rows: readonly Row[]): void {
    const { key, fingerprint } = this.#options;
    const changed = rows.filter((row) => this.#printed.get(key(row)) !== fingerprint(row));
    this.#printed = new Map(rows.map((row) => [key(row), fingerprint(row)]));
    if (changed.length > 0) writeStyled(this.#stream, `${this.#pipe.lines(changed).join("\n")}\n`);
  }
}
