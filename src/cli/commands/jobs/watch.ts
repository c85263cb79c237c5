// `jobs -w`: the same query again and again; on a terminal the table is redrawn in its place, in a pipe and in every other
// format what is new or has changed is appended.

import type { Clock } from "../../../base/clock.ts";
import { isRetryable, textOf } from "../../../base/errors.ts";
import { stateText } from "../../../inventory/job-row.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { LiveTable } from "../../../output/live.ts";
import { rowPrinter } from "../../../output/print-rows.ts";
import type { PrintOptions } from "../../../output/print-rows.ts";
import type { TerminalStream } from "../../../output/terminal.ts";

/** What one query found: the rows, and notes on what could not be seen. */
export interface Found {
  readonly rows: readonly ListRow[];
  readonly notes: readonly string[];
}

export interface WatchOptions extends PrintOptions<ListRow> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly stdout: TerminalStream & NodeJS.EventEmitter;
  readonly query: () => Promise<Found>;
  /** A line for people. */
  readonly note: (line: string) => void;
}

/** The pause between two queries; longer where a query takes long, so that a watch stays a small part of a server's work. */
const PAUSE_MS = 2_000;
const PAUSE_FACTOR = 5;

/**
 * Shows the rows until the signal aborts. Notes are printed when they change. Throws what the first query throws, and later
 * what no further try can mend.
 */
export async function watchRows(options: WatchOptions): Promise<void> {
  const { clock, signal, stdout, query } = options;
  const screen = new WatchScreen(options);
  const redraw = (): void => screen.redraw();
  stdout.on("resize", redraw);
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const startMs = clock.now().getTime();
      try {
        screen.show(await query());
      } catch (error) {
        if (signal.aborted) break;
        if (isFirst || !isRetryable(error)) throw error;
        screen.note([`${textOf(error)}; retrying`]);
      }
      const tookMs = clock.now().getTime() - startMs;
      await clock.sleep(Math.max(PAUSE_MS, PAUSE_FACTOR * tookMs), signal);
    }
  } finally {
    stdout.off("resize", redraw);
    screen.end();
  }
}

class WatchScreen {
  readonly #options: WatchOptions;
  readonly #table: LiveTable<ListRow> | undefined;
  readonly #append: (rows: readonly ListRow[]) => void;
  #printed: ReadonlyMap<string, string> = new Map();
  #last: readonly ListRow[] = [];
  #notes = "";

  constructor(options: WatchOptions) {
    this.#options = options;
    const { format, columns, noHeaders, palette, stdout } = options;
    const wide = format === "wide";
    this.#table =
      format === "table" || wide
        ? new LiveTable(stdout, { columns, wide, noHeaders, palette, key: keyOf, fingerprint })
        : undefined;
    this.#append = rowPrinter(options, (text) => stdout.write(text));
  }

  show({ rows, notes }: Found): void {
    this.note(notes);
    this.#last = rows;
    if (this.#table !== undefined) return this.#table.show(rows);
    const changed = rows.filter((row) => this.#printed.get(keyOf(row)) !== fingerprint(row));
    this.#printed = new Map(rows.map((row) => [keyOf(row), fingerprint(row)]));
    if (changed.length > 0) this.#append(changed);
  }

  /** Prints notes that differ from the last ones, above the table. */
  note(lines: readonly string[]): void {
    const text = lines.join("\n");
    if (text !== this.#notes && lines.length > 0) {
      this.#table?.clear();
      for (const line of lines) this.#options.note(line);
    }
    this.#notes = text;
  }

  redraw(): void {
    this.#table?.show(this.#last);
  }

  end(): void {
    this.#table?.end();
  }
}

function keyOf({ subject, namespace, name }: ListRow): string {
  return subject.kind === "job" ? subject.row.job.job.metadata.uid : `${namespace}/${name}`;
}

/** All that the table shows but the age. */
function fingerprint({ run, pods, restarts, node, image, decision }: ListRow): string {
  const state = run === undefined ? "" : stateText(run.status);
  return [run?.name, state, pods, restarts, node, image, decision.status, decision.reason].join("\n");
}
