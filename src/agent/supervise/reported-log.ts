// Remembers what has been written to flow runs' logs, so that no line is written twice: not after a restart either, nor by
// two agents.

import type { RunLogEntry } from "../../job/decide/types.ts";
import { storable, type RunLog } from "../../orchestrator/run-reporter.ts";
import { LOGGER } from "../run-log.ts";
import type { SharedState } from "../shared-state.ts";
import { lastLines } from "./last-lines.ts";

interface Report {
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
  readonly #messages = new Map<string, Set<string>>();
  /** Runs whose log must be read again before the next line. */
  readonly #mustReadLog = new Set<string>();

  constructor(deps: SharedState) {
    this.#deps = deps;
  }

  /** Whether a line that begins so is known to be written; does not ask Prefect. */
  has(flowRunId: string, key: string): boolean {
    const known = this.#messages.get(flowRunId)?.values();
    return known?.some((message) => message.startsWith(storable(key))) ?? false;
  }

  /** The entries that are not known to be written; does not ask Prefect. */
  pending(flowRunId: string, entries: readonly RunLogEntry[]): RunLogEntry[] {
    const keys = new Set<string>();
    return entries.filter(({ key }) => {
      if (keys.has(key) || this.has(flowRunId, key)) return false;
      keys.add(key);
      return true;
    });
  }

  /**
   * Writes the entries that nobody has written yet, and returns them. Throws PrefectError if Prefect has not, or may not
   * have, the lines; the run's log is then read before the next try.
   */
  async write({
    flowRunId,
    entries,
    isOnlyWriter,
    readsAgain,
    mayWait,
  }: Report): Promise<readonly RunLogEntry[]> {
    if (entries.length === 0) return [];
    const isOnly = isOnlyWriter();
    await this.#readLog(flowRunId, isOnly);
    const pending = this.pending(flowRunId, entries);
    if (pending.length === 0) return [];
    const withLine = async (entry: RunLogEntry): Promise<[RunLogEntry, RunLog]> => {
      const { level, message, timestamp, tail } = entry;
      const end = tail === undefined ? "" : await lastLines(this.#deps, tail);
      return [entry, { flowRunId, name: LOGGER, level, message: message + end, timestamp }];
    };
    const lines = new Map(await Promise.all(pending.map(withLine)));
    // While a kubelet did not answer, another process may have taken over, and have written.
    if (readsAgain === true || (isOnly && !isOnlyWriter())) await this.refresh(flowRunId);
    const due = this.pending(flowRunId, pending);
    if (due.length === 0) return [];
    try {
      await this.#deps.runLog.write(
        due.flatMap((entry) => lines.get(entry) ?? []),
        { mayWait },
      );
    } catch (error) {
      this.#readAgain(flowRunId);
      throw error;
    }
    this.#deps.metrics.count("runLogs", undefined, due.length);
    const known = this.#messages.get(flowRunId);
    for (const { message } of due) known?.add(storable(message));
    return due;
  }

  /** Others may have written: the run's log is read before the next write. */
  #readAgain(flowRunId: string): void {
    this.#messages.delete(flowRunId);
    this.#mustReadLog.add(flowRunId);
  }

  /** Reads the run's log now. Throws PrefectError. */
  async refresh(flowRunId: string): Promise<void> {
    this.#readAgain(flowRunId);
    await this.#readLog(flowRunId, false);
  }

  forget(flowRunId: string): void {
    this.#messages.delete(flowRunId);
    this.#mustReadLog.delete(flowRunId);
  }

  async #readLog(flowRunId: string, isOnlyWriter: boolean): Promise<void> {
    if (this.#messages.has(flowRunId)) return;
    const isEmpty = isOnlyWriter && !this.#mustReadLog.has(flowRunId);
    const logged = isEmpty ? [] : await this.#deps.runs.loggedMessages(flowRunId, [LOGGER]);
    this.#messages.set(flowRunId, new Set(logged));
    this.#mustReadLog.delete(flowRunId);
  }
}
