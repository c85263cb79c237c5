// Mutations of a single flow run beside setting its state: cancel, delete, heartbeat.

import type { JsonObject } from "../../../src/base/json.ts";
import { isFinished } from "../../../src/prefect1/states.ts";
import { apiError } from "./api-error.ts";
import { uuidIn } from "./input.ts";
import { isRunning } from "./run-state.ts";
import { timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";
import { writeFlowRunState } from "./set-flow-run-state.ts";
import { storedState } from "./state-form.ts";

/** Finished runs stay as they are; a running process is asked to stop (Cancelling); anything else is Cancelled at once. */
export function cancelFlowRun(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const id = uuidIn(input, "flow_run_id");
  const run = service.db.store.tables.flow_run.get(id);
  if (run === undefined) throw apiError(`Invalid flow run ID: ${id}.`);
  const state = run.state ?? "";
  if (isFinished(state)) return { state };
  const next = isRunning(state)
    ? { type: "Cancelling", message: "Flow run is cancelling" }
    : { type: "Cancelled", message: "Flow run is cancelled" };
  writeFlowRunState(service, run, storedState(next, service.clock.now()));
  return { state: next.type };
}

/** Removes the run with all that belongs to it. No success for an unknown id. */
export function deleteFlowRun(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const id = uuidIn(input, "flow_run_id");
  service.submittedAtMs.delete(id);
  return { success: service.db.store.deleteFlowRun(id) };
}

/** Sets the heartbeat to now; throws for an unknown id. */
export function updateFlowRunHeartbeat(service: Service, _caller: Caller, input: JsonObject): JsonObject {
  const { flow_run } = service.db.store.tables;
  const row = flow_run.get(uuidIn(input, "flow_run_id"));
  if (row === undefined) throw apiError("Invalid flow run ID");
  flow_run.update(row, { heartbeat: timeNow(service), updated: timeNow(service) });
  return { success: true };
}
