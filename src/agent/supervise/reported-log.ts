// supervise: what has been said of a run, so that nothing is said twice; also not after a restart, nor by two agents.

import type { PrefectApi } from "../../prefect1/api.ts";
import type { RunLogEntry } from "../../job/decide/decide.ts";

const NAMES = ["k8s-infra"];

/** Memory of messages per flow run; filled from the run's log in Prefect when others may have spoken before us. */
export class Said {
  readonly #prefect: Pick<PrefectApi, "loggedMessages">;
  readonly #messages = new Map<string, Set<string>>();
  readonly #doubtful = new Set<string>();

  constructor(prefect: Pick<PrefectApi, "loggedMessages">) {
    this.#prefect = prefect;
  }

  /** Those of the entries that are not known to be said; nobody is asked. */
  pending(flowRunId: string, entries: readonly RunLogEntry[]): RunLogEntry[] {
    const known = [...(this.#messages.get(flowRunId) ?? [])];
    const marks = new Set<string>();
    return entries.filter(({ key: mark }) => {
      if (marks.has(mark) || known.some((said) => said.startsWith(mark))) return false;
      marks.add(mark);
      return true;
    });
  }

  /** Those of the entries that nobody said yet. `alone`: nobody but this process can have spoken of the run. */
  async pendingAfresh(
    flowRunId: string,
    entries: readonly RunLogEntry[],
    alone: boolean,
  ): Promise<RunLogEntry[]> {
    if (entries.length === 0) return [];
    if (!this.#messages.has(flowRunId)) {
      const isSilent = alone && !this.#doubtful.has(flowRunId);
      const logged = isSilent ? [] : await this.#prefect.loggedMessages(flowRunId, NAMES);
      this.#messages.set(flowRunId, new Set(logged));
      this.#doubtful.delete(flowRunId);
    }
    return this.pending(flowRunId, entries);
  }

  /** Prefect accepted them. */
  markReported(flowRunId: string, entries: readonly RunLogEntry[]): void {
    const known = this.#messages.get(flowRunId) ?? new Set<string>();
    for (const { message } of entries) known.add(message);
    this.#messages.set(flowRunId, known);
  }

  /** Whether Prefect accepted the last entries is not known: ask its log before the next. */
  readAgain(flowRunId: string): void {
    this.#messages.delete(flowRunId);
    this.#doubtful.add(flowRunId);
  }

  forget(flowRunId: string): void {
    this.#messages.delete(flowRunId);
    this.#doubtful.delete(flowRunId);
  }
}
