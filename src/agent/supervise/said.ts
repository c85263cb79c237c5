// supervise: what has been said of a run, so that nothing is said twice; also not after a restart, nor by two agents.

import type { PrefectApi } from "../../prefect/api.ts";
import type { Saying } from "../../job/verdict.ts";

const NAMES = ["k8s-infra"];

/** Memory of messages per flow run; filled from the run's log in Prefect when others may have spoken before us. */
export class Said {
  readonly #prefect: Pick<PrefectApi, "loggedMessages">;
  readonly #messages = new Map<string, Set<string>>();

  constructor(prefect: Pick<PrefectApi, "loggedMessages">) {
    this.#prefect = prefect;
  }

  /** Those of the sayings that nobody said yet. `alone`: nobody but this process can have spoken of the run. */
  async unsaid(flowRunId: string, sayings: readonly Saying[], alone: boolean): Promise<Saying[]> {
    if (sayings.length === 0) return [];
    let known = this.#messages.get(flowRunId);
    if (known === undefined) {
      known = new Set(alone ? [] : await this.#prefect.loggedMessages(flowRunId, NAMES));
      this.#messages.set(flowRunId, known);
    }
    const heads = [...known];
    return sayings.filter(
      ({ message }) => !known.has(message) && !heads.some((said) => said.startsWith(message)),
    );
  }

  /** Prefect accepted them. */
  remember(flowRunId: string, sayings: readonly Saying[]): void {
    const known = this.#messages.get(flowRunId) ?? new Set<string>();
    for (const { message } of sayings) known.add(message);
    this.#messages.set(flowRunId, known);
  }

  /** Whether Prefect accepted the last sayings is not known: ask its log before the next. */
  doubt(flowRunId: string): void {
    this.#messages.delete(flowRunId);
  }

  forget(flowRunId: string): void {
    this.#messages.delete(flowRunId);
  }
}
