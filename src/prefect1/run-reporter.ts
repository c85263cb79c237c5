// Reports states and logs of flow runs to Prefect 1. Prefect 1 has no Crashed state; it becomes Failed.

import type { ServerClock } from "../base/server-clock.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { RunReporter, TransitionResult } from "../orchestrator/run-reporter.ts";
import type { Prefect1Client } from "./client.ts";
import { restartRun } from "./restart.ts";
import { runLogs } from "./run-logs.ts";
import { runStateOf } from "./run-state.ts";
import { newState } from "./states.ts";

const STATES = { failed: "Failed", crashed: "Failed", cancelled: "Cancelled" } as const;

/** `time`: the server's. */
export function prefect1Reporter(client: Prefect1Client, time: Pick<ServerClock, "now">): RunReporter {
  return {
    ...runLogs(client.graphql),
    rows: async (ids, signal) => {
      const rows = await client.runStates(ids, signal);
      const entries = [...rows].map(
        ([id, row]) => [id, { state: runStateOf(row), labels: row.labels, agent: row.agent }] as const,
      );
      return new Map(entries);
    },
    transition: (flowRunId, { type, message, version }) => {
      const state = newState(STATES[type], message);
      return movedIfLocked(() => client.setState({ flowRunId, state, version }));
    },
    restart: (flowRunId, request) =>
      movedIfLocked(() => restartRun(client, { ...request, flowRunId, now: time.now() })),
    keepAlive: (flowRunIds) => client.heartbeat(flowRunIds),
  };
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
