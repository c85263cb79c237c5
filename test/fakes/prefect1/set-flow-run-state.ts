// set_flow_run_states: the Submitted lock, Cloud's version lock and concurrency limits, and what a state sets in motion.

import { arrayIn, objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { isFinished } from "../../../src/prefect1/states.ts";
import type { State } from "../../../src/prefect1/states.ts";
import { apiError } from "./api-error.ts";
import { uuidIn } from "./input.ts";
import type { FlowRunRow } from "./rows.ts";
import { historyOf, isRunning, withState } from "./run-state.ts";
import { newRow, timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";
import { writeTaskRunState } from "./set-task-run-state.ts";
import { checkSize, storedState } from "./state-form.ts";

const SUBMITTED_LOCK_MS = 30_000;
const QUEUED_FOR_MS = 30_000;

interface StateAnswer {
  readonly id: string;
  readonly status: "SUCCESS" | "QUEUED";
  readonly message: string | null;
}

/** The mutation. Every element is tried; if one failed, the answer as a whole is that failure. */
export function setFlowRunStates(service: Service, caller: Caller, input: JsonObject): JsonObject {
  const failures: unknown[] = [];
  const states = arrayIn(input["states"]).flatMap((element) => {
    try {
      return [setOne(service, caller, objectIn(element))];
    } catch (failure) {
      failures.push(failure);
      return [];
    }
  });
  if (failures.length > 0) throw failures[0];
  return { states };
}

/** Writes a state that has passed every check: a row of history, the run's columns, and the consequences. */
export function writeFlowRunState(service: Service, run: FlowRunRow, state: State): void {
  const { store } = service.db;
  const now = timeNow(service);
  if (state.type === "Cancelled") cancelTaskRuns(service, run.id, state);
  const columns = withState(run, state, now);
  store.tables.flow_run_state.insert({
    ...newRow(service),
    tenant_id: run.tenant_id,
    flow_run_id: run.id,
    ...historyOf(state, columns.version, now),
  });
  const beats = isRunning(state.type) || state.type === "Submitted";
  store.tables.flow_run.update(run, { ...columns, updated: now, heartbeat: beats ? now : run.heartbeat });
  if (isFinished(state.type)) store.noteFinished(run.id);
}

function setOne(service: Service, caller: Caller, element: JsonObject): StateAnswer {
  const { tables } = service.db.store;
  const id = uuidIn(element, "flow_run_id");
  checkSize(element["state"]);
  const state = storedState(element["state"], service.clock.now());
  const run = tables.flow_run.get(id);
  if (run === undefined) throw apiError(`State update failed for flow run ID ${id}`);
  checkVersion(service, run, element["version"]);
  if (state.type === "Submitted") takeSubmittedLock(service, id);
  if (state.type === "Running" && isOverLimit(service, run)) return queueRun(service, run, state);
  writeFlowRunState(service, run, state);
  const agent = caller.agentId === undefined ? undefined : tables.agent.get(caller.agentId);
  if (state.type === "Submitted" && agent !== undefined) tables.flow_run.update(run, { agent_id: agent.id });
  return { id, status: "SUCCESS", message: null };
}

/** Prefect Server takes a version and ignores it; Cloud compares it where the flow group wants it. */
function checkVersion(service: Service, run: FlowRunRow, version: unknown): void {
  if (service.flavour !== "cloud" || typeof version !== "number" || version === run.version) return;
  const { flow, flow_group } = service.db.store.tables;
  const group = flow_group.get(flow.get(run.flow_id)?.flow_group_id ?? "");
  if (!service.versionLocking && group?.settings["version_locking_enabled"] !== true) return;
  throw apiError(
    `State update failed for flow run ID ${run.id}: provided version ${version} but current version is ${run.version}.`,
    "VERSION_LOCKING_ERROR",
  );
}

/** Two Submitted within 30 seconds: the second is another agent, or a repeat of the first. Only time releases the lock. */
function takeSubmittedLock(service: Service, id: string): void {
  const now = service.clock.now().getTime();
  const last = service.submittedAtMs.get(id);
  if (last !== undefined && now - last < SUBMITTED_LOCK_MS) {
    throw apiError("State update failed: this run has already been submitted.");
  }
  // Oldest first, so that what has expired is dropped and the map does not grow for ever.
  service.submittedAtMs.delete(id);
  for (const [other, at] of service.submittedAtMs) {
    if (now - at < SUBMITTED_LOCK_MS) break;
    service.submittedAtMs.delete(other);
  }
  service.submittedAtMs.set(id, now);
}

function isOverLimit(service: Service, run: FlowRunRow): boolean {
  if (service.flavour !== "cloud" || run.state === "Running") return false;
  return run.labels.some((label) => {
    const limit = service.concurrencyLimits.get(label);
    if (limit === undefined) return false;
    const running = [...service.db.store.tables.flow_run.having("state", "Running")];
    return running.filter((other) => other.labels.includes(label)).length >= limit;
  });
}

function queueRun(service: Service, run: FlowRunRow, wanted: State): StateAnswer {
  const now = service.clock.now();
  const message = "Queued by flow run concurrency limit";
  const startTime = new Date(now.getTime() + QUEUED_FOR_MS).toISOString();
  const queued = { type: "Queued", message, start_time: startTime, state: wanted };
  writeFlowRunState(service, run, storedState(queued, now));
  return { id: run.id, status: "QUEUED", message };
}

function cancelTaskRuns(service: Service, flowRunId: string, state: State): void {
  for (const task of service.db.store.tables.task_run.having("flow_run_id", flowRunId)) {
    if (!isFinished(task.state ?? "")) writeTaskRunState(service, task, state);
  }
}
