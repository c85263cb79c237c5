// A flow run with the columns of Prefect 1's `flow_run` table, read from the API or from a file for `render -f`. Missing
// optional fields get defaults; errors name the path of the invalid field.

import { ExpectedError } from "../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn, type JsonObject } from "../base/json.ts";
import { shapeProblem, type Shape } from "../base/shape.ts";
import { stateIn, type State } from "./states.ts";

export interface FlowRun {
  readonly id: string;
  readonly name: string | null;
  readonly version: number;
  /** The state's type. */
  readonly state: string;
  readonly serialized_state: State;
  /** Null: a KubernetesRun with defaults. */
  readonly run_config: JsonObject | null;
  readonly labels?: readonly string[] | null;
  readonly flow: Flow;
  /** For a Running flow run: the task runs whose start time has passed. */
  readonly task_runs: readonly TaskRun[];
}

export interface Flow {
  readonly id: string;
  readonly name: string;
  readonly core_version: string | null;
  readonly storage: JsonObject | null;
}

export interface TaskRun {
  readonly id: string;
  readonly version: number;
  readonly serialized_state: State;
}

/** The state of a new task run has only type and message. */
const STATE: Shape = { "type!": "string" };
const FLOW_RUN: Shape = {
  "id!": "string",
  name: "string",
  version: "whole number",
  state: "string",
  serialized_state: STATE,
  run_config: {},
  labels: ["string"],
  "flow!": { "id!": "string", name: "string", core_version: "string", storage: {} },
  task_runs: [{ "id!": "string", version: "whole number", serialized_state: STATE }],
};

/** Throws ExpectedError that names the field that is missing or has the wrong type. */
export function readFlowRun(json: unknown): FlowRun {
  const problem = shapeProblem(json, FLOW_RUN);
  if (problem !== undefined) throw new ExpectedError(`cannot read the flow run: ${problem}`);
  const run = objectIn(json);
  const flow = objectIn(run["flow"]);
  const state = textIn(run["state"]);
  const serialized: State = { type: state ?? "Scheduled", ...objectIn(run["serialized_state"]) };
  return {
    id: textIn(run["id"]) ?? "",
    name: textIn(run["name"]) ?? null,
    version: Number(run["version"] ?? 0),
    state: state ?? serialized.type,
    serialized_state: serialized,
    run_config: objectOrNull(run["run_config"]),
    labels: Array.isArray(run["labels"]) ? run["labels"].map(String) : null,
    flow: {
      id: textIn(flow["id"]) ?? "",
      name: textIn(flow["name"]) ?? "",
      core_version: textIn(flow["core_version"]) ?? null,
      storage: objectOrNull(flow["storage"]),
    },
    task_runs: arrayIn(run["task_runs"]).map(objectIn).map(taskRunIn),
  };
}

/** A row of task runs; rows of flow runs have the same columns. */
export function taskRunIn(row: JsonObject): TaskRun {
  return {
    id: textIn(row["id"]) ?? "",
    version: typeof row["version"] === "number" ? row["version"] : 0,
    serialized_state: stateIn(row["serialized_state"]),
  };
}

function objectOrNull(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}
