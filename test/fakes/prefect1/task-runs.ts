// Task runs: made with their flow run, or by the flow itself for the children of a mapped task.

import type { JsonObject } from "../../../src/base/json.ts";
import { apiError } from "./api-error.ts";
import { uuidIn } from "./input.ts";
import type { FlowRunRow, TaskRunRow } from "./rows.ts";
import { newRow, timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";

/** A fresh task run, in the minimal state that the server's database trigger writes. */
export function insertTaskRun(
  service: Service,
  run: FlowRunRow,
  of: Pick<TaskRunRow, "task_id" | "map_index">,
): TaskRunRow {
  const fresh = newRow(service);
  return service.db.store.tables.task_run.insert({
    ...fresh,
    ...of,
    tenant_id: run.tenant_id,
    flow_run_id: run.id,
    name: null,
    cache_key: null,
    version: 0,
    state: "Pending",
    state_timestamp: fresh.created,
    state_start_time: null,
    state_message: "Task run created",
    state_result: null,
    serialized_state: { type: "Pending", message: "Task run created" },
    start_time: null,
    end_time: null,
    heartbeat: null,
  });
}

/** get_or_create_task_run and get_or_create_task_run_info: the fields of both. */
export function getOrCreateTaskRun(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { flow_run, task, task_run } = service.db.store.tables;
  const flowRunId = uuidIn(input, "flow_run_id");
  const taskId = uuidIn(input, "task_id");
  const mapIndex = typeof input["map_index"] === "number" ? input["map_index"] : -1;
  for (const row of task_run.having("flow_run_id", flowRunId)) {
    if (row.task_id === taskId && row.map_index === mapIndex) return infoOf(row);
  }
  const run = flow_run.get(flowRunId);
  if (run === undefined) throw apiError("Invalid flow run ID");
  if (task.get(taskId) === undefined) throw apiError("Invalid task ID");
  return infoOf(insertTaskRun(service, run, { task_id: taskId, map_index: mapIndex }));
}

/** The query get_task_run_info. */
export function taskRunInfo(service: Service, input: JsonObject): JsonObject {
  const row = service.db.store.tables.task_run.get(uuidIn(input, "task_run_id"));
  if (row === undefined) throw apiError("Invalid task run ID");
  return infoOf(row);
}

/** Sets the heartbeat to now; throws for an unknown id. */
export function updateTaskRunHeartbeat(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { task_run } = service.db.store.tables;
  const row = task_run.get(uuidIn(input, "task_run_id"));
  if (row === undefined) throw apiError("Invalid task run ID");
  task_run.update(row, { heartbeat: timeNow(service), updated: timeNow(service) });
  return { success: true };
}

function infoOf(row: TaskRunRow): JsonObject {
  const { id, version, serialized_state, state } = row;
  return { id, version, serialized_state, state };
}
