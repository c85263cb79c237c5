// supervise: what Prefect says of the runs that have Jobs: asked in batches, now and then for all, afresh before acting.

import { isUuid } from "../../base/uuid.ts";
import { Batcher } from "../../base/batch.ts";
import type { PrefectApi, RunState } from "../../prefect1/api.ts";
import { isFinished } from "../../prefect1/states.ts";
import type { RunView } from "../../job/decide/decide.ts";

const BATCH = 100;

/** The last known states, and the way to fresh ones. */
export class RunStates {
  readonly #prefect: Pick<PrefectApi, "runStates">;
  readonly #known = new Map<string, RunView>();
  readonly #batcher: Batcher<string, RunState | undefined>;

  constructor(prefect: Pick<PrefectApi, "runStates">) {
    this.#prefect = prefect;
    this.#batcher = new Batcher(
      async (ids) => {
        const found = await this.#prefect.runStates(ids);
        return ids.map((id) => found.get(id));
      },
      { maxSize: BATCH, maxRequests: 4 },
    );
  }

  /** As last heard; unknown when never asked. */
  known(flowRunId: string): RunView {
    return this.#known.get(flowRunId) ?? { kind: "unknown" };
  }

  /** As it stands in Prefect now. An id that Prefect cannot have (not a UUID) counts as missing without asking. */
  async fresh(flowRunId: string): Promise<RunView> {
    const found = isUuid(flowRunId) ? await this.#batcher.add(flowRunId) : undefined;
    const view = viewOf(found);
    this.#known.set(flowRunId, view);
    return view;
  }

  /**
   * Asks for all of these but those known to be over: nothing but a new Job makes them news. Returns the ids whose
   * state needs a look: cancelled, finished, missing, or changed.
   */
  async refresh(flowRunIds: readonly string[]): Promise<string[]> {
    const all = new Set(flowRunIds);
    for (const id of this.#known.keys()) if (!all.has(id)) this.#known.delete(id);
    const open = flowRunIds.filter((id) => {
      const view = this.known(id);
      return view.kind !== "known" || !isFinished(view.state.type);
    });
    const before = new Map(open.map((id) => [id, typeOf(this.known(id))]));
    await Promise.all(open.map((id) => this.fresh(id)));
    return open.filter((id) => {
      const type = typeOf(this.known(id));
      return type !== before.get(id) || (type !== "Submitted" && type !== "Running");
    });
  }

  forget(flowRunId: string): void {
    this.#known.delete(flowRunId);
  }
}

function viewOf(found: RunState | undefined): RunView {
  if (found === undefined) return { kind: "missing" };
  return { kind: "known", state: found.state, updated: found.updated, version: found.version };
}

function typeOf(view: RunView): string {
  return view.kind === "known" ? view.state.type : view.kind;
}
