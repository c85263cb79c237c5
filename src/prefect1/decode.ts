// Decodes flow runs from the API, or from a file for `render -f`. Missing optional fields get defaults; errors name the
// path of the invalid field.

import { ExpectedError, textOf } from "../base/errors.ts";
import { isObject } from "../base/json.ts";
import type { JsonObject } from "../base/json.ts";
import type { Flow, FlowRun, TaskRun } from "./flow-run.ts";
import type { State } from "./states.ts";

/** Throws ExpectedError that names the field that is missing or has the wrong type. */
export function readFlowRun(json: unknown): FlowRun {
  const run = new Fields(json, "");
  const state = run.optionalString("state");
  const serialized = stateOf(run, state ?? "Scheduled");
  return {
    id: run.string("id"),
    name: run.optionalString("name"),
    version: run.integer("version"),
    state: state ?? serialized.type,
    serialized_state: serialized,
    run_config: run.optionalObject("run_config"),
    labels: run.optionalStrings("labels"),
    flow: readFlow(new Fields(run.object("flow"), "flow")),
    task_runs: run.list("task_runs").map((item, at) => readTaskRun(new Fields(item, `task_runs[${at}]`))),
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

function readFlow(flow: Fields): Flow {
  return {
    id: flow.string("id"),
    name: flow.optionalString("name") ?? "",
    core_version: flow.optionalString("core_version"),
    storage: flow.optionalObject("storage"),
  };
}

/** The state of a new task run has only type and message. */
function readTaskRun(task: Fields): TaskRun {
  return {
    id: task.string("id"),
    version: task.integer("version"),
    serialized_state: stateOf(task, "Pending"),
  };
}

function stateOf(holder: Fields, defaultType: string): State {
  const json = holder.optionalObject("serialized_state");
  if (json === null) return { type: defaultType };
  const state = new Fields(json, holder.path("serialized_state"));
  return { ...json, type: state.string("type") };
}

/** Reads the fields of one object; errors name their path. */
class Fields {
  readonly json: JsonObject;
  readonly #path: string;

  constructor(json: unknown, path: string) {
    this.#path = path;
    if (!isObject(json)) throw unreadable(path, json, "an object");
    this.json = json;
  }

  path(field: string): string {
    return this.#path === "" ? field : `${this.#path}.${field}`;
  }

  string(field: string): string {
    return this.#required(field, this.optionalString(field) || null, "a string");
  }

  optionalString(field: string): string | null {
    return this.#optional(field, "a string", (value) => typeof value === "string");
  }

  optionalStrings(field: string): readonly string[] | null {
    if ((this.json[field] ?? null) === null) return null;
    return this.list(field).map((item, at) => {
      if (typeof item !== "string") throw unreadable(`${this.path(field)}[${at}]`, item, "a string");
      return item;
    });
  }

  /** Default: 0, the version of a run that Prefect has not stored. */
  integer(field: string): number {
    return this.#optional(field, "a whole number", (value): value is number => Number.isInteger(value)) ?? 0;
  }

  object(field: string): JsonObject {
    return this.#required(field, this.optionalObject(field), "an object");
  }

  optionalObject(field: string): JsonObject | null {
    return this.#optional(field, "an object", isObject);
  }

  list(field: string): readonly unknown[] {
    return this.#optional(field, "a list", (value): value is unknown[] => Array.isArray(value)) ?? [];
  }

  #optional<T>(field: string, expected: string, isExpected: (value: unknown) => value is T): T | null {
    const value = this.json[field] ?? null;
    if (value === null || isExpected(value)) return value;
    throw unreadable(this.path(field), value, expected);
  }

  #required<T>(field: string, value: T | null, expected: string): T {
    if (value === null) throw unreadable(this.path(field), undefined, expected);
    return value;
  }
}

function unreadable(path: string, value: unknown, expected: string): ExpectedError {
  const what = path === "" ? "flow run" : `flow run's ${path}`;
  if (value === undefined)
    return new ExpectedError(`cannot read the ${what}: it is missing, and must be ${expected}`);
  const found = kindOf(value);
  return new ExpectedError(`cannot read the ${what}: it is ${found}, and must be ${expected}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return "a string";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "an object";
  }
}
