// create_flow_run: a flow run with its first state, and a task run for every task of the flow.

import { arrayIn, isObject, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { apiError } from "./api-error.ts";
import { optionalTime, optionalUuid } from "./input.ts";
import type { FlowRow, FlowRunRow, TaskRow } from "./rows.ts";
import { runName } from "./run-name.ts";
import { newRow, timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";
import { writeFlowRunState } from "./set-flow-run-state.ts";
import { storedState } from "./state-form.ts";
import { insertTaskRun } from "./task-runs.ts";
import { shownTime } from "./time.ts";

/** The mutation. Repeating an idempotency key for the same flow gives the run that is there already. */
export function createFlowRun(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { flow_run } = service.db.store.tables;
  const flow = flowFor(service, input);
  const key = textIn(input["idempotency_key"]) ?? null;
  if (key !== null) {
    for (const run of flow_run.having("idempotency_key", key)) {
      if (run.flow_id === flow.id) return { id: run.id };
    }
  }
  const run = flow_run.insert(freshRun(service, flow, input));
  for (const task of tasksOf(service, flow)) insertTaskRun(service, run, { task_id: task.id, map_index: -1 });
  const first = {
    type: "Scheduled",
    message: "Flow run scheduled.",
    start_time: shownTime(run.scheduled_start_time),
  };
  writeFlowRunState(service, run, storedState(first, service.clock.now()));
  return { id: run.id };
}

function freshRun(service: Service, flow: FlowRow, input: JsonObject): FlowRunRow {
  const group = service.db.store.tables.flow_group.get(flow.flow_group_id);
  const runConfig = [input["run_config"], group?.run_config, flow.run_config].find(isObject) ?? null;
  const parameters = { ...group?.default_parameters, ...objectIn(input["parameters"]) };
  checkParameters(flow, parameters);
  return {
    ...newRow(service),
    tenant_id: flow.tenant_id,
    flow_id: flow.id,
    agent_id: null,
    name: textIn(input["flow_run_name"]) ?? runName(service.db.store.tables.flow_run.inserted),
    labels: [...labelsFor(service, flow, input)].sort(),
    run_config: runConfig,
    parameters,
    context: objectIn(input["context"]),
    scheduled_start_time: optionalTime(input, "scheduled_start_time") ?? timeNow(service),
    auto_scheduled: false,
    times_resurrected: 0,
    idempotency_key: textIn(input["idempotency_key"]) ?? null,
    version: 0,
    state: null,
    state_timestamp: null,
    state_start_time: null,
    state_message: null,
    state_result: null,
    serialized_state: null,
    start_time: null,
    end_time: null,
    heartbeat: null,
  };
}

/** The flow by id, or the newest of a version group. */
function flowFor(service: Service, input: JsonObject): FlowRow {
  const { flow } = service.db.store.tables;
  const id = optionalUuid(input, "flow_id");
  const group = textIn(input["version_group_id"]);
  if (id === undefined && group === undefined) {
    throw apiError("One of flow_id or version_group_id must be provided.");
  }
  const found =
    id === undefined
      ? [...flow.having("version_group_id", group)].filter((row) => !row.archived).at(-1)
      : flow.get(id);
  if (found === undefined) throw apiError(`Flow ${id ?? group} not found`);
  if (found.archived) throw apiError(`Flow ${found.id} is archived.`);
  return found;
}

/** Whose labels count: the first of these that has any say. */
function labelsFor(service: Service, flow: FlowRow, input: JsonObject): readonly string[] {
  const group = service.db.store.tables.flow_group.get(flow.flow_group_id);
  const sources = [
    input["labels"],
    objectIn(input["run_config"])["labels"],
    group?.labels,
    group?.run_config?.["labels"],
    flow.run_config?.["labels"],
    flow.environment?.["labels"],
  ];
  return arrayIn(sources.find((labels) => Array.isArray(labels))).map(String);
}

function checkParameters(flow: FlowRow, parameters: JsonObject): void {
  const missing = flow.parameters
    .filter((parameter) => parameter["required"] === true && !(String(parameter["name"]) in parameters))
    .map((parameter) => String(parameter["name"]));
  if (missing.length > 0) throw apiError(`Required parameters were not supplied: ${missing.join(", ")}`);
}

function tasksOf(service: Service, flow: FlowRow): Iterable<TaskRow> {
  return service.db.store.tables.task.having("flow_id", flow.id);
}
