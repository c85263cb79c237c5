// Decodes flow runs from the API, or from a file for `render -f`. Missing optional fields get defaults; errors name the
// path of the invalid field.

import { ExpectedError, textOf } from "../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn, type JsonObject } from "../base/json.ts";
import { shapeProblem, type Shape } from "../base/shape.ts";
import type { FlowRun } from "./flow-run.ts";
import type { State } from "./states.ts";

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
  const serialized = stateOf(run, state ?? "Scheduled");
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
    task_runs: arrayIn(run["task_runs"])
      .map(objectIn)
      .map((task) => ({
        id: textIn(task["id"]) ?? "",
        version: Number(task["version"] ?? 0),
        serialized_state: stateOf(task, "Pending"),
      })),
  };
}

export interface Launchable {
  readonly runs: readonly FlowRun[];
  /** The errors of the rows that cannot be read. */
  readonly unreadable: readonly string[];
}

export function readLaunchable(rows: readonly unknown[]): Launchable {
  const runs: FlowRun[] = [];
  const unreadable: string[] = [];
  for (const row of rows) {
    try {
      runs.push(readFlowRun(row));
    } catch (error) {
      const id = isObject(row) ? String(row["id"]) : "?";
      unreadable.push(`flow run ${id}: ${textOf(error)}`);
    }
  }
  return { runs, unreadable };
}

function stateOf({ serialized_state: state }: JsonObject, defaultType: string): State {
  return { type: defaultType, ...objectOrNull(state) };
}

function objectOrNull(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}
