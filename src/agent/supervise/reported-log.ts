// Remembers what has been written to flow runs' logs, so that no line is written twice: not after a restart either, nor by
// two agents.

import type { RunLogEntry } from "../../job/decide/types.ts";
import { storable, type RunLog } from "../../orchestrator/run-reporter.ts";
import { LOGGER } from "../run-log.ts";
import type { SharedState } from "../shared-state.ts";
import { lastLines } from "./last-lines.ts";

export interface Report {
  readonly flowRunId: string;
  readonly entries: readonly RunLogEntry[];
  /** Whether, as of now, only this process can have written to the run's log, so that it need not be read. */
  readonly isOnlyWriter: () => boolean;
  /** Another process may have written meanwhile: the log is read once more right before the lines are written. */
  readonly readsAgain?: boolean;
  /** Nothing else waits for the lines. */
  readonly mayWait?: boolean;
}

export class ReportedLog {
  readonly #deps: SharedState;
  /** The lines of each run's log; undefined: it must be read before the next line. */
  readonly #messages = new Map<string, Set<string> | undefined>();

  constructor(deps: SharedState) {
    this.#deps = deps;
  }

  /** Whether a line that begins so is known to be written; does not ask Prefect. */
  has(flowRunId: string, key: string): boolean {
    const known = this.#messages.get(flowRunId)?.values();
    return known?.some((message) => message.startsWith(storable(key))) ?? false;
  }

  /** The entries that are not known to be written; does not ask Prefect. */
  pending<Entry extends Pick<RunLogEntry, "key">>(flowRunId: string, entries: readonly Entry[]): Entry[] {
    const keys = new Set<string>();
    return entries.filter(({ key }) => {
      if (keys.has(key) || this.has(flowRunId, key)) return false;
      keys.add(key);
      return true;
    });
  }

  /**
   * Writes the entries that nobody has written yet. Throws PrefectError if Prefect has not, or may not have, the lines; the run's
   * log is then read before the next try.
   */
  async write(report: Report): Promise<void> {
    const { flowRunId, entries, isOnlyWriter, readsAgain = false, mayWait } = report;
    if (entries.length === 0) return;
    const isOnly = isOnlyWriter();
    await this.#readLog(flowRunId, isOnly);
    const pending = this.pending(flowRunId, entries);
    if (pending.length === 0) return;
    const withLine = async ({ key, level, message, timestamp, tail }: RunLogEntry) => {
      const end = tail === undefined ? "" : await lastLines(this.#deps, tail);
      const line: RunLog = { flowRunId, name: LOGGER, level, message: message + end, timestamp };
      return { key, message, line };
    };
    const lines = await Promise.all(pending.map(withLine));
    // While a kubelet did not answer, another process may have taken over, and have written.
    if (readsAgain || (isOnly && !isOnlyWriter())) await this.refresh(flowRunId);
    const due = this.pending(flowRunId, lines);
    if (due.length === 0) return;
    const writing = this.#deps.runLog.write(
      due.map(({ line }) => line),
      { mayWait },
    );
    await writing.catch((error: unknown) => {
      this.#messages.set(flowRunId, undefined);
      throw error;
    });
    this.#deps.metrics.count("runLogs", undefined, due.length);
    const known = this.#messages.get(flowRunId);
    for (const { message } of due) known?.add(storable(message));
  }

  /** Others may have written: reads the run's log now. Throws PrefectError. */
  async refresh(flowRunId: string): Promise<void> {
    this.#messages.set(flowRunId, undefined);
    await this.#readLog(flowRunId, false);
  }

  forget(flowRunId: string): void {
    this.#messages.delete(flowRunId);
  }

  async #readLog(flowRunId: string, isOnlyWriter: boolean): Promise<void> {
    if (this.#messages.get(flowRunId) !== undefined) return;
    const isEmpty = isOnlyWriter && !this.#messages.has(flowRunId);
    const logged = isEmpty ? [] : await this.#deps.runs.messages(flowRunId, { loggers: [LOGGER] });
    this.#messages.set(flowRunId, new Set(logged));
  }
}
