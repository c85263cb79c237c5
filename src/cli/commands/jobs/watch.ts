// `jobs -w`: the table in place on a terminal; in a pipe, and in every other format, what is new or has changed.

import { stateText } from "../../../inventory/job-row.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { LiveTable } from "../../../output/live.ts";
import type { PrintOptions } from "../../../output/print-rows.ts";
import { rowPrinter } from "../../../output/print-rows.ts";
import { parseSortBy, sortRows } from "../../../output/sort-by.ts";
import type { TerminalStream } from "../../../output/terminal.ts";

export interface ListingWatchOptions extends PrintOptions<ListRow> {
  readonly sortBy: string | undefined;
}

/** The output of one watch. */
export class ListingWatch {
  readonly #options: ListingWatchOptions;
  readonly #table: LiveTable<ListRow> | undefined;
  readonly #append: (rows: readonly ListRow[]) => void;
  #shown: ReadonlyMap<string, string> = new Map();
  #last: readonly ListRow[] | undefined;

  constructor(stream: TerminalStream, options: ListingWatchOptions) {
    this.#options = options;
    const { format, columns, noHeaders, palette } = options;
    const isTable = format.kind === "table" || format.kind === "wide";
    const wide = format.kind === "wide";
    this.#table = isTable
      ? new LiveTable(stream, { columns, wide, noHeaders, palette, key: keyOf, fingerprint })
      : undefined;
    this.#append = rowPrinter(options, (text) => stream.write(text));
  }

  /** Shows the rows as they are now. */
  show(rows: readonly ListRow[]): void {
    const { sortBy, columns, toObject } = this.#options;
    const sorted = sortBy === undefined ? rows : sortRows(rows, parseSortBy(sortBy, columns), toObject);
    this.#last = sorted;
    if (this.#table !== undefined) return this.#table.show(sorted);
    const changed = sorted.filter((row) => this.#shown.get(keyOf(row)) !== fingerprint(row));
    this.#shown = new Map(sorted.map((row) => [keyOf(row), fingerprint(row)]));
    if (changed.length > 0) this.#append(changed);
  }

  /** The terminal has another size now. */
  resized(): void {
    if (this.#last !== undefined) this.#table?.show(this.#last);
  }

  /** Lines for people are about to be written. */
  giveWay(): void {
    this.#table?.clear();
  }

  end(): void {
    this.#table?.end();
  }
}

function keyOf({ subject, namespace, name }: ListRow): string {
  return subject.kind === "job" ? subject.row.print.job.metadata.uid : `${namespace}/${name}`;
}

/** All that the table shows but the age. */
function fingerprint({ run, pods, restarts, node, image, verdict }: ListRow): string {
  const state = run === undefined ? "" : stateText(run.run);
  return [run?.name, state, pods, restarts, node, image, verdict.word, verdict.why].join("\n");
}
