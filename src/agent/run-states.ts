// The states of flow runs in Prefect: asked in batches, afresh before something is done, now and then for all runs with Jobs.

import { Batcher } from "../base/batch.ts";
import { isUuid } from "../base/uuid.ts";
import { isActive, isFinished } from "../orchestrator/flow-run.ts";
import type { RunState, RunStatus } from "../orchestrator/flow-run.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";

const BATCH = { maxSize: 100, maxRequests: 4 };

/** The last known states, and the way to fresh ones. */
export class RunStates {
  readonly #known = new Map<string, RunStatus>();
  readonly #batcher: Batcher<string, RunState | undefined>;

  constructor(runs: Pick<RunReporter, "states">) {
    this.#batcher = new Batcher(async (ids) => {
      const found = await runs.states(ids);
      return ids.map((id) => found.get(id));
    }, BATCH);
  }

  /** As last read; unknown when it was never asked for. */
  known(flowRunId: string): RunStatus {
    return this.#known.get(flowRunId) ?? { kind: "unknown" };
  }

  /** As it is in Prefect now. An id that Prefect cannot have (not a UUID) counts as missing without asking. Throws PrefectError. */
  async read(flowRunId: string): Promise<RunStatus> {
    const state = isUuid(flowRunId) ? await this.#batcher.add(flowRunId) : undefined;
    return state === undefined ? { kind: "missing" } : { kind: "known", state };
  }

  /** The same, and it is remembered until `forget`. */
  async refresh(flowRunId: string): Promise<RunStatus> {
    const status = await this.read(flowRunId);
    this.#known.set(flowRunId, status);
    return status;
  }

  /**
   * Reads all of these but those known to be over: only a new Job would change anything for them. Returns the ids that need
   * a decision: cancelled, finished, missing, or changed. All others are forgotten.
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
      const isUnderWay = status.kind === "known" && isActive(status.state.type);
      return nameOf(status) !== before.get(id) || !isUnderWay;
    });
  }

  forget(flowRunId: string): void {
    this.#known.delete(flowRunId);
  }
}

function nameOf(status: RunStatus): string {
  return status.kind === "known" ? status.state.name : status.kind;
}
