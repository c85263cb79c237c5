// Tells the agent's log how each run ended, once; not those that had ended before this process started. A pod may end long after
// its run is told of.

import type { Log } from "../../base/log.ts";
import { isFailed, isFinished, type RunStatus } from "../../orchestrator/flow-run.ts";

/** More than the runs that have Jobs at the same time, where finished Jobs are kept. */
const REMEMBERED = 20_000;
/** How far the clocks of Prefect and Kubernetes may be apart; a run that is started again takes longer to end again. */
const SKEW_MS = 5_000;

export class EndedRuns {
  readonly #log: Pick<Log, "info">;
  readonly #now: () => Date;
  readonly #startedAt: Date;
  /** When the runs ended that were told of, the oldest first. */
  readonly #told = new Map<string, Date>();

  constructor(log: Pick<Log, "info">, now: () => Date) {
    this.#log = log;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Call when the run's state was read. */
  read(flowRunId: string, { state }: RunStatus): void {
    if (state?.since === undefined || state.since < this.#startedAt || !isFinished(state.type)) return;
    const { type, name, message, since } = state;
    this.#tell(flowRunId, { state: name, message: isFailed(type) ? message : undefined, since });
  }

  /** Call when this agent has ended the run. */
  ended(flowRunId: string, state: string, message: string): void {
    this.#tell(flowRunId, { state, message, since: this.#now() });
  }

  #tell(
    flowRun: string,
    { since, ...end }: { readonly state: string; readonly message: string | undefined; readonly since: Date },
  ): void {
    const told = this.#told.get(flowRun);
    if (told !== undefined && since.getTime() <= told.getTime() + SKEW_MS) return;
    this.#log.info("Flow run ended", { flowRun, ...end });
    this.#told.set(flowRun, since);
    const [oldest = ""] = this.#told.keys();
    if (this.#told.size > REMEMBERED) this.#told.delete(oldest);
  }
}
