// `jobs -w`: repeats the query. On a terminal the table is redrawn in place; in a pipe and in other formats new and changed
// rows are appended.

import type { Env } from "../../../base/env.ts";
import { newWarnings } from "../../options/namespaced-command.ts";
import { isRetryable, textOf } from "../../../base/errors.ts";
import { stateText } from "../../../inventory/job-row.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { isGone, pollText } from "../../../inventory/run-owner.ts";
import { writeStyled } from "../../../output/clean.ts";
import { rowPrinter, type PrintOptions } from "../../../output/print-rows.ts";
import { Repaint } from "../../../output/repaint.ts";
import { tableLines } from "../../../output/table.ts";
import { canRedraw, terminalWidth, type TerminalStream } from "../../../output/terminal.ts";
import type { ClusterScope } from "../../cluster-scope.ts";

/** The rows, and warnings about what could not be listed. */
export interface QueryResult {
  readonly rows: readonly ListRow[];
  readonly warnings: readonly string[];
}

export interface WatchOptions extends PrintOptions<ListRow>, Pick<ClusterScope, "clock" | "signal"> {
  readonly stdout: TerminalStream & NodeJS.EventEmitter;
  readonly env: Env;
  readonly query: () => Promise<QueryResult>;
  readonly printWarning: (line: string) => void;
}

/** The pause between two queries; longer after slow ones, to limit the load on the server. */
const PAUSE_MS = 2_000;
const PAUSE_FACTOR = 5;
const MAX_PAUSE_MS = 15_000;

/**
 * Shows the rows until the signal aborts. Warnings are printed when they begin. Throws any error of the first query, and
 * later only errors that cannot be retried.
 */
export async function watchRows(options: WatchOptions): Promise<void> {
  const { clock, signal, stdout, query, format, columns } = options;
  const wide = format === "wide";
  const isDrawn = canRedraw(stdout, options.env) && (format === "table" || wide);
  const drawn = isDrawn ? new Repaint(stdout) : undefined;
  const append = rowPrinter(options, (text) => writeStyled(stdout, text));
  let rows: readonly ListRow[] = [];
  /** Which of the lists fails first differs from query to query. */
  let isOutage = false;
  const redraw = (): void =>
    drawn?.paint(tableLines(columns, rows, { ...options, wide, width: terminalWidth(stdout) }));
  const printWarnings = newWarnings((text) => {
    drawn?.clear();
    options.printWarning(text);
  });
  const show = (found: QueryResult): void => {
    printWarnings(found.warnings);
    const printed = new Map(rows.map((row) => [row.key, fingerprint(row)]));
    ({ rows } = found);
    if (drawn === undefined) append(rows.filter((row) => printed.get(row.key) !== fingerprint(row)));
    else redraw();
  };
  stdout.on("resize", redraw);
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const startMs = clock.ticks();
      let pauseMs = PAUSE_MS;
      try {
        show(await query());
        isOutage = false;
        pauseMs = Math.min(MAX_PAUSE_MS, Math.max(PAUSE_MS, PAUSE_FACTOR * (clock.ticks() - startMs)));
      } catch (error) {
        if (signal.aborted) break;
        if (isFirst || !isRetryable(error)) throw error;
        if (!isOutage) printWarnings([`${textOf(error)}; retrying`]);
        isOutage = true;
      }
      await clock.sleep(pauseMs, signal);
    }
  } finally {
    stdout.off("resize", redraw);
    drawn?.leave();
  }
}

/** Everything in the row except ages: the reason of a run without a Job has one, and that of a run whose agent is gone. */
function fingerprint({ kind, run, pods, restarts, node, image, decision }: ListRow): string {
  const state = run === undefined ? "" : stateText(run.status);
  const silence = run?.owner !== undefined && isGone(run.owner) ? pollText(run.owner) : "";
  const reason = kind === "run" ? "" : decision.reason.replace(silence, "");
  return [run?.name, state, pods, restarts, node, image, decision.status, reason].join("\n");
}
