// The states of flow runs in Prefect, read in batches: before each action, and from time to time for all runs with Jobs.

import { batchedById, type Batcher } from "../base/batch.ts";
import { pagesOf } from "../base/pages.ts";
import { isUuid } from "../base/uuid.ts";
import { isActive, isFinished, type RunRow, type RunStatus } from "../orchestrator/flow-run.ts";
import type { AgentDeps } from "./deps.ts";

const BATCH = { maxSize: 100, maxRequests: 4 };
/** How many of all runs are read at once. */
const PART = 2 * BATCH.maxSize;

type RunStatesDeps = Pick<AgentDeps, "clock" | "kubeTime" | "prefectTime" | "runs">;

/** A cache of the last known states. */
export class RunStates {
  readonly #known = new Map<string, RunStatus>();
  readonly #batcher: Batcher<string, RunRow | undefined>;
  readonly #deps: RunStatesDeps;

  constructor(deps: RunStatesDeps) {
    this.#deps = deps;
    this.#batcher = batchedById((ids) => deps.runs.rows(ids), BATCH, deps.clock);
  }

  /** The status as last read; "unknown" if it was never read. */
  known(flowRunId: string): RunStatus {
    return this.#known.get(flowRunId) ?? { kind: "unknown" };
  }

  /** Reads the status from Prefect. An id that is not a UUID is missing without asking. Throws PrefectError. */
  async read(flowRunId: string): Promise<RunStatus> {
    const row = isUuid(flowRunId) ? await this.#batcher.add(flowRunId) : undefined;
    if (row === undefined) return { kind: "missing" };
    // Of two responses the older one can come last.
    const known = this.known(flowRunId);
    if ((known.state?.version ?? 0) > (row.state.version ?? Infinity)) return known;
    // As the cluster's clock shows it: decisions compare it with times on Jobs and pods.
    const { kubeTime, prefectTime } = this.#deps;
    const aheadMs = kubeTime.now().getTime() - prefectTime.now().getTime();
    const since = row.state.since && new Date(row.state.since.getTime() + aheadMs);
    return { kind: "known", ...row, state: { ...row.state, since } };
  }

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
    const open = flowRunIds.filter((id) => !isFinished(this.known(id).state?.type));
    const before = new Map(open.map((id) => [id, nameOf(this.known(id))]));
    // In parts, so that a run that needs a decision now is read before the rest of thousands.
    for (const page of pagesOf(open, PART)) await Promise.all(page.map((id) => this.refresh(id)));
    return open.filter((id) => {
      const status = this.known(id);
      return nameOf(status) !== before.get(id) || !isActive(status.state?.type);
    });
  }

  forget(flowRunId: string): void {
    this.#known.delete(flowRunId);
  }
}

function nameOf(status: RunStatus): string {
  return status.state?.name ?? status.kind;
}
