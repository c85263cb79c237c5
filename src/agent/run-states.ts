// The states of flow runs in Prefect, read in batches: before each action, and from time to time for all runs with Jobs.

import { Batcher } from "../base/batch.ts";
import { isUuid } from "../base/uuid.ts";
import { isActive, isFinished } from "../orchestrator/flow-run.ts";
import type { RunState, RunStatus } from "../orchestrator/flow-run.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";

const BATCH = { maxSize: 100, maxRequests: 4 };

/** A cache of the last known states. */
export class RunStates {
  readonly #known = new Map<string, RunStatus>();
  readonly #batcher: Batcher<string, RunState | undefined>;

  constructor(runs: Pick<RunReporter, "states">) {
    this.#batcher = new Batcher(async (ids) => {
      const found = await runs.states(ids);
      return ids.map((id) => found.get(id));
    }, BATCH);
  }

  /** The status as last read; "unknown" if it was never read. */
  known(flowRunId: string): RunStatus {
    return this.#known.get(flowRunId) ?? { kind: "unknown" };
  }

  /** Reads the status from Prefect. An id that is not a UUID is missing without asking. Throws PrefectError. */
  async read(flowRunId: string): Promise<RunStatus> {
    const state = isUuid(flowRunId) ? await this.#batcher.add(flowRunId) : undefined;
    return state === undefined ? { kind: "missing" } : { kind: "known", state };
  }

  /** Reads the status and caches it. */
  async refresh(flowRunId: string): Promise<RunStatus> {
    const status = await this.read(flowRunId);
    this.#known.set(flowRunId, status);
    return status;
  }

  /**
   * Reads these runs, except those known to be over, and forgets all others. Returns the ids of runs that need a decision:
   * cancelled, finished, missing, or changed.
   */
  async refreshAll(flowRunIds: readonly string[]): Promise<string[]> {
    const all = new Set(flowRunIds);
    for (const id of this.#known.keys()) if (!all.has(id)) this.#known.delete(id);
    const open = flowRunIds.filter((id) => {
      const status = this.known(id);
      return status.kind !== "known" || !isFinished(status.state.type);
    });
    const before = new Map(open.map((id) => [id, nameOf(this.known(id))]));
    await Promise.all(open.map((id) => this.refresh(id)));
    return open.filter((id) => {
      const status = this.known(id);
      const isRunActive = status.kind === "known" && isActive(status.state.type);
      return nameOf(status) !== before.get(id) || !isRunActive;
    });
  }

  forget(flowRunId: string): void {
    this.#known.delete(flowRunId);
  }
}

function nameOf(status: RunStatus): string {
  return status.kind === "known" ? status.state.name : status.kind;
}
