// The task runs of a flow run and how results pass between them.

import { arrayIn, objectIn, textIn } from "../../base/json.ts";
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

export const TASK_GRAPH = `query($id: uuid!) {
  flow_run_by_pk(id: $id) {
    task_runs { id task_id map_index serialized_state task { name slug } }
    flow { edges { upstream_task_id downstream_task_id key mapped } }
  }
}`;

/** Decodes the response to TASK_GRAPH; empty for a deleted run. */
export function taskGraphIn(data: Readonly<Record<string, unknown>>): TaskGraph {
  const run = objectIn(data["flow_run_by_pk"]);
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
