// get_runs_in_queue: which flow runs are due for an agent. Not a dequeue: the same ids come back until a state changes.

import { arrayIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { isScheduled } from "../../../src/prefect1/states.ts";
import { apiError } from "./api-error.ts";
import { optionalTime, uuidIn } from "./input.ts";
import type { FlowRunRow } from "./rows.ts";
import { timeNow } from "./service.ts";
import type { Caller, Service } from "./service.ts";

const READ_AT_MOST = 75;
const RETURN_AT_MOST = 25;

/** The mutation. The older 75 due runs are read and 25 returned: more runs of other labels hide those behind them. */
export function runsInQueue(service: Service, caller: Caller, input: JsonObject): JsonObject {
  // What the real resolver says when it sorts the labels.
  if (input["labels"] === null) throw apiError("'NoneType' object has no attribute 'sort'");
  const tenantId = uuidIn(input, "tenant_id");
  const before = optionalTime(input, "before") ?? timeNow(service);
  const labels = arrayIn(input["labels"]).map(String);
  const flowRunIds: string[] = [];
  for (const run of oldestDue(service, tenantId, before)) {
    if (flowRunIds.length < RETURN_AT_MOST && matches(run.labels, labels)) flowRunIds.push(run.id);
  }
  noteQuery(service, caller);
  return { flow_run_ids: flowRunIds };
}

/** A run's labels must all be the agent's, and a run without labels is only for agents without labels. */
function matches(runLabels: readonly string[], agentLabels: readonly string[]): boolean {
  if (runLabels.length === 0) return agentLabels.length === 0;
  return runLabels.every((label) => agentLabels.includes(label));
}

/** By start time; Running runs with a due task run have none themselves, so they come last. */
function oldestDue(service: Service, tenantId: string, before: string): FlowRunRow[] {
  const { flow_run, task_run } = service.db.store.tables;
  const found = new Set<FlowRunRow>();
  for (const run of flow_run.sortedBy("state_start_time")?.upTo(before) ?? []) {
    if (found.size >= READ_AT_MOST) break;
    if (run.tenant_id === tenantId && isScheduled(run.state ?? "")) found.add(run);
  }
  for (const task of task_run.sortedBy("state_start_time")?.upTo(before) ?? []) {
    if (found.size >= READ_AT_MOST) break;
    const run = flow_run.get(task.flow_run_id);
    if (run?.state === "Running" && run.tenant_id === tenantId) found.add(run);
  }
  return [...found];
}

function noteQuery(service: Service, caller: Caller): void {
  const { agent } = service.db.store.tables;
  const row = caller.agentId === undefined ? undefined : agent.get(caller.agentId);
  if (row !== undefined) agent.update(row, { last_queried: timeNow(service) });
}
