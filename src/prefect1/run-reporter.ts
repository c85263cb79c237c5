// Reports states and logs of flow runs to Prefect 1. Prefect 1 has no Crashed state; it becomes Failed.

import type { ServerClock } from "../base/server-clock.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { RunRow } from "../orchestrator/flow-run.ts";
import type { RunLog } from "../orchestrator/run-log.ts";
import type { NewState, Restart, RunReporter, TransitionResult } from "../orchestrator/run-reporter.ts";
import type { Prefect1Client } from "./client.ts";
import { restartRun } from "./restart/restart.ts";
import { runStateOf } from "./run-state.ts";
import { newState } from "./states.ts";

const STATES = { failed: "Failed", crashed: "Failed", cancelled: "Cancelled" } as const;

export class Prefect1RunReporter implements RunReporter {
  readonly #client: Prefect1Client;
  readonly #time: Pick<ServerClock, "now">;

  constructor(client: Prefect1Client, time: Pick<ServerClock, "now">) {
    this.#client = client;
    this.#time = time;
  }

  async rows(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, RunRow>> {
    const rows = await this.#client.runStates(ids, signal);
    return new Map(
      [...rows].map(([id, row]) => [id, { state: runStateOf(row), labels: row.labels, agent: row.agent }]),
    );
  }

  writeLogs(logs: readonly RunLog[]): Promise<void> {
    return this.#client.logs.write(logs);
  }

  loggedMessages(flowRunId: string, names: readonly string[]): Promise<readonly string[]> {
    return this.#client.logs.messagesBy(flowRunId, names);
  }

  messagesContaining(flowRunId: string, texts: readonly string[]): Promise<readonly string[]> {
    return this.#client.logs.messagesContaining(flowRunId, texts);
  }

  unwritten(logs: readonly RunLog[]): Promise<readonly RunLog[]> {
    return this.#client.logs.unwritten(logs);
  }

  transition(flowRunId: string, { type, message, version }: NewState): Promise<TransitionResult> {
    const state = newState(STATES[type], message);
    return movedIfLocked(() => this.#client.setState({ flowRunId, state, version }));
  }

  restart(flowRunId: string, request: Restart): Promise<TransitionResult> {
    return movedIfLocked(() => restartRun(this.#client, { ...request, flowRunId, now: this.#time.now() }));
  }

  keepAlive(flowRunIds: readonly string[]): Promise<void> {
    return this.#client.heartbeat(flowRunIds);
  }
}

/** Returns `moved` when the state has changed in the meantime. */
async function movedIfLocked(call: () => Promise<void>): Promise<TransitionResult> {
  try {
    await call();
    return "accepted";
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "locked") return "moved";
    throw error;
  }
}
