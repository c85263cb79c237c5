// The server's own services, one tick at a time: Lazarus reschedules runs whose process never came to life, the zombie
// killer settles those whose process died. ServerServices is what Prefect Server calls them.

import type { FlowRunRow, TaskRunRow } from "./rows.ts";
import { writeServerLog } from "./run-logs.ts";
import type { Service } from "./service.ts";
import { writeFlowRunState } from "./set-flow-run-state.ts";
import { writeTaskRunState } from "./set-task-run-state.ts";
import { storedState } from "./state-form.ts";
import { timeOf } from "./time.ts";

const STALE_MS = 10 * 60_000;
const MAX_RESURRECTIONS = 3;
const LAZARUS_AT_MOST = 500;
const ZOMBIES_AT_MOST = 5000;

/** A task run in one of these will get its flow run going again, or is in progress. */
const ALIVE_TASKS = new Set(["Scheduled", "Paused", "Resume", "Retrying", "Running", "Cancelling"]);

/** Reschedules Submitted and Running runs without a heartbeat for 10 minutes; at the fourth time they fail. Answers their ids. */
export function lazarus(service: Service): string[] {
  const { flow_run, task_run } = service.db.store.tables;
  const alive = [...flow_run.having("state", "Running"), ...flow_run.having("state", "Submitted")];
  const lost = alive
    .filter((run) => isStale(service, run) && isWatched(service, run, "lazarus_enabled"))
    .filter(
      (run) => ![...task_run.having("flow_run_id", run.id)].some((task) => ALIVE_TASKS.has(task.state ?? "")),
    )
    .sort((a, b) => (a.updated < b.updated ? -1 : 1))
    .slice(0, LAZARUS_AT_MOST);
  for (const run of lost) resurrect(service, run);
  return lost.map((run) => run.id);
}

/** Retries or fails Running task runs of dead processes, and fails Cancelling runs of dead processes. Answers their ids. */
export function zombieKiller(service: Service): string[] {
  const { flow_run, task_run } = service.db.store.tables;
  const isDead = (run: FlowRunRow | undefined): run is FlowRunRow =>
    run !== undefined && isStale(service, run) && isWatched(service, run);
  const tasks = [...task_run.having("state", "Running")].filter((task) =>
    isDead(flow_run.get(task.flow_run_id)),
  );
  for (const task of tasks.slice(0, ZOMBIES_AT_MOST)) endTask(service, task);
  const cancelling = [...flow_run.having("state", "Cancelling")].filter(isDead);
  for (const run of cancelling) failCancelling(service, run);
  return [...tasks, ...cancelling].map((row) => row.id);
}

/** A missing heartbeat is never stale. */
function isStale(service: Service, run: FlowRunRow): boolean {
  const limit = timeOf(new Date(service.clock.now().getTime() - STALE_MS));
  return run.heartbeat !== null && run.heartbeat <= limit;
}

/** Whether the flow group's settings leave the services on. */
function isWatched(service: Service, run: FlowRunRow, ...settings: string[]): boolean {
  const { flow, flow_group } = service.db.store.tables;
  const group = flow_group.get(flow.get(run.flow_id)?.flow_group_id ?? "");
  return ["heartbeat_enabled", ...settings].every((name) => group?.settings[name] !== false);
}

function resurrect(service: Service, run: FlowRunRow): void {
  const now = service.clock.now();
  const flow_run_id = run.id;
  const name = "prefect-server.Lazarus.FlowRun";
  if (run.times_resurrected < MAX_RESURRECTIONS) {
    const attempt = run.times_resurrected + 1;
    const message = "Rescheduled by a Lazarus process.";
    writeFlowRunState(service, run, storedState({ type: "Scheduled", message }, now));
    service.db.store.tables.flow_run.update(run, { times_resurrected: attempt });
    writeServerLog(
      service,
      { flow_run_id },
      { name, level: "INFO", message: `${message} This is attempt ${attempt}.` },
    );
    return;
  }
  const message = `A Lazarus process attempted to reschedule this run ${MAX_RESURRECTIONS} times without success. Marking as failed.`;
  writeFlowRunState(service, run, storedState({ type: "Failed", message }, now));
  writeServerLog(service, { flow_run_id }, { name, level: "ERROR", message });
}

function endTask(service: Service, task: TaskRunRow): void {
  const { flow_run, task: tasks, task_run_state } = service.db.store.tables;
  const now = service.clock.now();
  const retries = [...task_run_state.having("task_run_id", task.id)].filter(
    (row) => row.state === "Retrying",
  );
  const mayRetry =
    flow_run.get(task.flow_run_id)?.state === "Running" &&
    retries.length < (tasks.get(task.task_id)?.max_retries ?? 0);
  const type = mayRetry ? "Retrying" : "Failed";
  const message = `No heartbeat detected from the remote task; ${mayRetry ? "retrying the run." : "marking the run as failed."}`;
  const state = mayRetry ? { type, message, run_count: retries.length + 1 } : { type, message };
  writeTaskRunState(service, task, storedState(state, now));
  writeServerLog(
    service,
    { flow_run_id: task.flow_run_id, task_run_id: task.id },
    { name: "prefect-server.ZombieKiller.TaskRun", level: "ERROR", message },
  );
}

function failCancelling(service: Service, run: FlowRunRow): void {
  const message = "No heartbeat detected from the flow run; marking the run as failed.";
  writeFlowRunState(service, run, storedState({ type: "Failed", message }, service.clock.now()));
  writeServerLog(
    service,
    { flow_run_id: run.id },
    { name: "prefect-server.ZombieKiller.FlowRun", level: "ERROR", message },
  );
}
