// What a new state writes into its run's row, flow run and task run alike (the database triggers of Prefect Server).

import type { StateColumns } from "./rows.ts";
import type { State } from "../../../src/prefect1/states.ts";
import { isScheduled } from "../../../src/prefect1/states.ts";
import { storedTime } from "./time.ts";

/** These states end a run's clock; TriggerFailed, Skipped and Mapped do not. */
const ENDING = new Set(["Success", "Failed", "Cached", "TimedOut", "Looped", "Cancelled"]);

/** Running in Core's sense: Cancelling is a Running state too. */
export function isRunning(type: string): boolean {
  return type === "Running" || type === "Cancelling";
}

/** The start time of the state itself: only the Scheduled family and Queued have one. */
function stateStartTime(state: State): string | null {
  if (!isScheduled(state.type) || typeof state.start_time !== "string") return null;
  return storedTime(state.start_time) ?? null;
}

/** The columns after this state, given the columns before it. `now` is in stored form. */
export function withState(before: StateColumns, state: State, now: string): Omit<StateColumns, "heartbeat"> {
  return {
    version: before.version + 1,
    state: state.type,
    state_timestamp: now,
    state_start_time: stateStartTime(state),
    state_message: state.message ?? null,
    state_result: state["_result"] ?? null,
    serialized_state: state,
    start_time: state.type === "Running" ? earlier(before.start_time, now) : before.start_time,
    end_time: ENDING.has(state.type) ? later(before.end_time, now) : before.end_time,
  };
}

/** A row of the run's history. */
export function historyOf(state: State, version: number, now: string) {
  return {
    timestamp: now,
    state: state.type,
    message: state.message ?? null,
    result: state["_result"] ?? null,
    start_time: stateStartTime(state),
    version,
    serialized_state: state,
  };
}

function earlier(a: string | null, b: string): string {
  return a !== null && a < b ? a : b;
}

function later(a: string | null, b: string): string {
  return a !== null && a > b ? a : b;
}
