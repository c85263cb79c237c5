// Flow run states of Prefect 2 and 3.

import type { JsonObject } from "../base/json.ts";
import { dateIn, objectIn, textIn } from "../base/json.ts";
import type { RunState, StateType } from "../orchestrator/flow-run.ts";

/** The state types of Prefect 2 and 3 (`StateType` of prefect.client.schemas). */
export type Prefect3StateType = Uppercase<StateType>;

const TYPES: ReadonlySet<string> = new Set<StateType>([
  ...(["scheduled", "pending", "running", "paused", "cancelling"] as const),
  ...(["completed", "failed", "crashed", "cancelled"] as const),
]);

/** The state of a flow run. An unknown type counts as scheduled, so that nothing is done with the run. */
export function runStateIn(row: JsonObject): RunState {
  const state = objectIn(row["state"]);
  const type = (textIn(state["type"]) ?? "").toLowerCase();
  return {
    type: TYPES.has(type) ? (type as StateType) : "scheduled",
    name: textIn(state["name"]) ?? (type === "" ? "Unknown" : type.charAt(0).toUpperCase() + type.slice(1)),
    message: textIn(state["message"]),
    since: dateIn(state["timestamp"] ?? row["updated"]),
    dueAt: type === "scheduled" ? dateIn(row["expected_start_time"]) : undefined,
  };
}
