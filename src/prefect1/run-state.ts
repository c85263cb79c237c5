// Rows of flow_run and task_run, as far as states are asked for.

import { objectIn, textIn } from "../base/json.ts";
import type { RunState } from "./api.ts";
import type { TaskRun } from "./flow-run.ts";
import type { State } from "./states.ts";

/** A flow run's state; a run without one counts as Pending, as Core reads it. */
export function decodeRunState(raw: unknown): RunState {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    name: textIn(row["name"]) ?? null,
    version: versionIn(row["version"]),
    state: stateIn(row["serialized_state"]),
    heartbeat: momentIn(row["heartbeat"]),
    updated: momentIn(row["updated"]),
  };
}

/** A task run; a fresh one has a state of no more than type and message, or none. */
export function decodeTaskRun(raw: unknown): TaskRun {
  const row = objectIn(raw);
  return {
    id: textIn(row["id"]) ?? "",
    version: versionIn(row["version"]),
    task_id: textIn(row["task_id"]) ?? null,
    serialized_state: stateIn(row["serialized_state"]),
  };
}

/** A serialized state; without a type it counts as Pending. */
export function stateIn(raw: unknown): State {
  const state = objectIn(raw);
  return { ...state, type: textIn(state["type"]) ?? "Pending" };
}

function versionIn(raw: unknown): number {
  return typeof raw === "number" ? raw : 0;
}

function momentIn(raw: unknown): Date | undefined {
  const text = textIn(raw);
  return text === undefined ? undefined : new Date(text);
}
