// States of Prefect 2 and 3 in the words of Prefect 1: the one place that knows both, so that one decision fits all runs.

import type { JsonObject } from "../base/json.ts";
import { objectIn, textIn } from "../base/json.ts";
import type { State } from "../prefect1/states.ts";

/** The state types of Prefect 2 and 3 (`StateType` of prefect.client.schemas). */
export type RestStateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "COMPLETED"
  | "FAILED"
  | "CANCELLED"
  | "CRASHED"
  | "PAUSED"
  | "CANCELLING";

/** PENDING is what a worker sets before it creates the Job; a crash is a failure that the flow did not tell itself. */
const TYPES: Readonly<Record<string, string>> = {
  SCHEDULED: "Scheduled",
  PENDING: "Submitted",
  RUNNING: "Running",
  COMPLETED: "Success",
  FAILED: "Failed",
  CRASHED: "Failed",
  CANCELLED: "Cancelled",
  CANCELLING: "Cancelling",
  PAUSED: "Paused",
} satisfies Readonly<Record<RestStateType, string>>;

/** A state as the decision reads it; `name` is Prefect's own word, such as Crashed, Late or AwaitingRetry. */
export function stateOfRest(raw: JsonObject): State {
  const type = textIn(raw["type"]) ?? "";
  const message = textIn(raw["message"]);
  return {
    type: TYPES[type] ?? "Pending",
    name: textIn(raw["name"]) ?? sentenceCase(type),
    ...(message === undefined ? {} : { message }),
  };
}

/** Since when the run is in its state. */
export function stateTimeOfRest(run: JsonObject): Date | undefined {
  const text = textIn(objectIn(run["state"])["timestamp"]) ?? textIn(run["updated"]);
  const at = new Date(text ?? "");
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** What people call a state: Prefect's own name for it, else its type. */
export function stateWord(state: State): string {
  const name = state["name"];
  return typeof name === "string" && name !== "" ? name : state.type;
}

function sentenceCase(type: string): string {
  return type === "" ? "Pending" : type.charAt(0) + type.slice(1).toLowerCase();
}
