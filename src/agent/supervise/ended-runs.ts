// Tells the agent's log how each run ended, once; not those that had ended before this process started. A pod may end after its
// run is told and forgotten, so the last ones are remembered.

import type { Log } from "../../base/log.ts";
import { isFailed, isFinished, type RunStatus } from "../../orchestrator/flow-run.ts";

const REMEMBERED = 1_000;

export class EndedRuns {
  readonly #log: Pick<Log, "info">;
  readonly #startedAt: Date;
  readonly #told = new Set<string>();

  constructor(log: Pick<Log, "info">, startedAt: Date) {
    this.#log = log;
    this.#startedAt = startedAt;
  }

  /** Call when the run's state was read. */
  read(flowRunId: string, run: RunStatus): void {
    if (run.kind !== "known") return;
    if (!isFinished(run.state.type)) return void this.#told.delete(flowRunId);
    const { type, name, message, since } = run.state;
    if (since !== undefined && since >= this.#startedAt)
      this.ended(flowRunId, name, isFailed(type) ? message : undefined);
  }

  /** Call when this agent has ended the run. */
  ended(flowRun: string, state: string, message: string | undefined): void {
    if (!this.#told.has(flowRun)) this.#log.info("Flow run ended", { flowRun, state, message });
    this.#told.add(flowRun);
    const [oldest = ""] = this.#told;
    if (this.#told.size > REMEMBERED) this.#told.delete(oldest);
  }
}
