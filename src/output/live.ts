// A table that follows what it shows, for --watch: repainted in place on a terminal, changed rows appended in a pipe.

import { Repaint } from "./repaint.ts";
import { tableLines, TableWriter } from "./table.ts";
import type { Column, TableOptions } from "./table.ts";
import type { TerminalStream } from "./terminal.ts";

export interface LiveTableOptions<Row> extends TableOptions {
  readonly columns: readonly Column<Row>[];
  /** What makes a row the same row: namespace and name. */
  readonly key: (row: Row) => string;
  /** Changes when the row is worth printing again in a pipe: resourceVersion and state, not the age. */
  readonly fingerprint: (row: Row) => string;
}

/** The live table of one watch. */
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

  /** Shows all rows as they are now. In a pipe, those that are new or changed since the last call. */
  show(rows: readonly Row[]): void {
    if (this.#stream.isTTY === true) this.#screen.paint(this.#fitting(rows));
    else this.#append(rows);
  }

  /** Makes room for lines that others write: above the table, which the next `show` paints anew below them. */
  clear(): void {
    this.#screen.clear();
  }

  /** No more of it: what stands on the terminal stays. */
  end(): void {
    this.#screen.leave();
  }

  /** As many lines as the terminal is high, less the cursor's own: what scrolled off cannot be repainted. */
  #fitting(rows: readonly Row[]): readonly string[] {
    const lines = tableLines(this.#options.columns, rows, this.#options);
    const height = this.#stream.rows ?? 0;
    const room = height > 2 ? height - 1 : lines.length;
    if (lines.length <= room) return lines;
    return [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more`];
  }

  #append(rows: readonly Row[]): void {
    const { key, fingerprint } = this.#options;
    const changed = rows.filter((row) => this.#printed.get(key(row)) !== fingerprint(row));
    this.#printed = new Map(rows.map((row) => [key(row), fingerprint(row)]));
    if (changed.length > 0) this.#stream.write(`${this.#pipe.lines(changed).join("\n")}\n`);
  }
}
