// The task runs of a flow run and how results pass between them.

import { arrayIn, objectIn, textIn } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { stateIn } from "../run-state.ts";
import type { State } from "../states.ts";

/** A task run; mapIndex is -1 except for the children of a mapped task. */
export interface TaskNode {
  readonly id: string;
  readonly taskId: string;
  readonly name: string;
  readonly mapIndex: number;
  readonly state: State;
}

export interface TaskEdge {
  readonly upstream: string;
  readonly downstream: string;
  /** The downstream task uses the upstream task's result; otherwise it only waits for it to finish. */
  readonly hasData: boolean;
  /** The downstream task is mapped over the result. */
  readonly mapped: boolean;
}

export interface TaskGraph {
  readonly runs: readonly TaskNode[];
  readonly edges: readonly TaskEdge[];
}

/** Decodes the run that TASK_GRAPH asks for; empty for a deleted one. */
export function taskGraphIn(run: JsonObject): TaskGraph {
  return {
    runs: arrayIn(run["task_runs"]).map(nodeIn),
    edges: arrayIn(objectIn(run["flow"])["edges"]).map(edgeIn),
  };
}

function nodeIn(raw: unknown): TaskNode {
  const row = objectIn(raw);
  const task = objectIn(row["task"]);
  return {
    id: textIn(row["id"]) ?? "",
    taskId: textIn(row["task_id"]) ?? "",
    name: textIn(task["name"]) ?? textIn(task["slug"]) ?? "",
    mapIndex: typeof row["map_index"] === "number" ? row["map_index"] : -1,
    state: stateIn(row["serialized_state"]),
  };
}

function edgeIn(raw: unknown): TaskEdge {
  const row = objectIn(raw);
  return {
    upstream: textIn(row["upstream_task_id"]) ?? "",
    downstream: textIn(row["downstream_task_id"]) ?? "",
    hasData: (textIn(row["key"]) ?? "") !== "",
    mapped: row["mapped"] === true,
  };
}
