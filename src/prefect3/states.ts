// Flow run states of Prefect 2 and 3.

import type { JsonObject } from "../base/json.ts";
import { dateIn, objectIn, textIn } from "../base/json.ts";
import type { RunState, StateType } from "../orchestrator/flow-run.ts";

/** The state types of Prefect 2 and 3 (`StateType` of prefect.client.schemas). */
export type Prefect3StateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "COMPLETED"
  | "FAILED"
  | "CANCELLED"
  | "CRASHED"
  | "PAUSED"
  | "CANCELLING";

const TYPES: Readonly<Record<string, StateType>> = {
  SCHEDULED: "scheduled",
  PENDING: "pending",
  RUNNING: "running",
  COMPLETED: "completed",
  FAILED: "failed",
  CRASHED: "crashed",
  CANCELLED: "cancelled",
  CANCELLING: "cancelling",
  PAUSED: "paused",
} satisfies Readonly<Record<Prefect3StateType, StateType>>;

/** The state of a flow run. An unknown type counts as scheduled, so that nothing is done with the run. */
export function runStateIn(row: JsonObject): RunState {
  const state = objectIn(row["state"]);
  const type = textIn(state["type"]) ?? "";
  return {
    type: TYPES[type] ?? "scheduled",
    name: textIn(state["name"]) ?? sentenceCase(type),
    message: textIn(state["message"]),
    since: dateIn(state["timestamp"] ?? row["updated"]),
    dueAt: type === "SCHEDULED" ? dateIn(row["expected_start_time"]) : undefined,
  };
}

function sentenceCase(type: string): string {
  return type === "" ? "Unknown" : type.charAt(0) + type.slice(1).toLowerCase();
}
