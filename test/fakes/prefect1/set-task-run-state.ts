// set_task_run_states: a task run may only go Running while its flow run is Running.

import { arrayIn, objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { State } from "../../../src/prefect1/states.ts";
import { apiError } from "./api-error.ts";
import { uuidIn } from "./input.ts";
import type { TaskRunRow } from "./rows.ts";
import { historyOf, isRunning, withState } from "./run-state.ts";
import { newRow, timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";
import { checkSize, storedState } from "./state-form.ts";

/** The mutation. Every element is tried; if one failed, the answer as a whole is that failure. */
export function setTaskRunStates(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const failures: unknown[] = [];
  const states = arrayIn(input["states"]).flatMap((element) => {
    try {
      return [{ id: setOne(service, objectIn(element)), status: "SUCCESS", message: null }];
    } catch (failure) {
      failures.push(failure);
      return [];
    }
  });
  if (failures.length > 0) throw failures[0];
  return { states };
}

/** Writes a state that has passed every check: a row of history and the run's columns. */
export function writeTaskRunState(service: Service, run: TaskRunRow, state: State): void {
  const { task_run, task_run_state } = service.db.store.tables;
  const now = timeNow(service);
  const columns = withState(run, state, now);
  task_run_state.insert({
    ...newRow(service),
    tenant_id: run.tenant_id,
    task_run_id: run.id,
    ...historyOf(state, columns.version, now),
  });
  task_run.update(run, {
    ...columns,
    updated: now,
    heartbeat: isRunning(state.type) ? now : run.heartbeat,
  });
}

function setOne(service: Service, element: JsonObject): string {
  const { flow_run, task_run } = service.db.store.tables;
  const id = uuidIn(element, "task_run_id");
  checkSize(element["state"]);
  const state = storedState(element["state"], service.clock.now());
  const run = task_run.get(id);
  if (run === undefined) throw apiError(`State update failed for task run ID ${id}`);
  if (isRunning(state.type) && flow_run.get(run.flow_run_id)?.state !== "Running") {
    throw apiError(
      `State update failed for task run ID ${id}: provided a running state but associated flow run ${run.flow_run_id} is not in a running state.`,
    );
  }
  writeTaskRunState(service, run, withInputsOf(run, state));
  return id;
}

/** The inputs that were cached for a retry stay when the new state brings none. */
function withInputsOf(run: TaskRunRow, state: State): State {
  const before = objectIn(run.serialized_state?.["cached_inputs"]);
  const own = objectIn(state["cached_inputs"]);
  return Object.keys(own).length > 0 ? state : { ...state, cached_inputs: before };
}
