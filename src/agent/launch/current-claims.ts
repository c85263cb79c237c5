// launch: whether a flow run is still as it was read or claimed, asked afresh in batches: before a start that was waited
// for, before a Job is created a second time, before a run is failed.

import { Batcher } from "../../base/batch.ts";
import type { PrefectApi, RunState } from "../../prefect1/api.ts";
import { claimRecordOf } from "../../prefect1/claim.ts";
import type { Submission } from "../../prefect1/submission.ts";

const BATCH = { maxSize: 100, maxRequests: 2 };

/** Prefect's word on runs and claims. Its calls throw PrefectError. */
export class Fakeg {
  readonly #prefect: Pick<PrefectApi, "runStates" | "unfinishedTaskRuns">;
  readonly #states: Batcher<string, RunState | undefined>;

  constructor(prefect: Pick<PrefectApi, "runStates" | "unfinishedTaskRuns">) {
    this.#prefect = prefect;
    this.#states = new Batcher(async (ids) => {
      const found = await prefect.runStates(ids);
      return ids.map((id) => found.get(id));
    }, BATCH);
  }

  /** Whether the run's state is still the one of this version. */
  async isUnchanged(flowRunId: string, version: number): Promise<boolean> {
    return (await this.#states.add(flowRunId))?.version === version;
  }

  /** Whether the claim is still what stands in Prefect: nobody has cancelled, rescheduled or begun the run. */
  async isClaimCurrent({ flowRun, mark, of }: Submission): Promise<boolean> {
    const run = await this.#states.add(flowRun.id);
    if (run === undefined) return false;
    if (of === "flow run") return run.state.type === "Submitted" && claimRecordOf(run.state)?.id === mark.id;
    if (run.state.type !== "Running") return false;
    const tasks = await this.#prefect.unfinishedTaskRuns(flowRun.id);
    return tasks.some(
      ({ serialized_state: state }) => state.type === "Submitted" && claimRecordOf(state)?.id === mark.id,
    );
  }
}
