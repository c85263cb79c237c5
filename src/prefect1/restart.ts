// Reschedules a flow run whose pod was evicted or lost (Prefect issue 3058). Task runs that were running, and those whose
// results were lost with the pod but are still needed, become Pending; then the flow run becomes Scheduled.
// Core 1.4.1 skips every finished task run and reads its result from the result's location. A result that existed only in the
// lost pod silently becomes None, so such a task must run again if another task still needs its result.

import { objectIn, arrayIn, textIn, type JsonObject } from "../base/json.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import { TASK_GRAPH } from "./queries.ts";
import { isFinished, isoUtc, newState, stateIn } from "./states.ts";
import type { Restart } from "../orchestrator/run-reporter.ts";
import type { Prefect1Client } from "./client.ts";

export type TaskGraph = ReturnType<typeof taskGraphIn>;
export type TaskNode = ReturnType<typeof nodeIn>;
export type TaskEdge = ReturnType<typeof edgeIn>;

/** Decodes the run that TASK_GRAPH asks for; empty for a deleted one. */
function taskGraphIn(run: JsonObject) {
  return {
    runs: arrayIn(run["task_runs"]).map(objectIn).map(nodeIn),
    edges: arrayIn(objectIn(run["flow"])["edges"]).map(objectIn).map(edgeIn),
  };
}

/** A task run. */
function nodeIn(row: JsonObject) {
  const task = objectIn(row["task"]);
  return {
    id: textIn(row["id"]) ?? "",
    taskId: textIn(row["task_id"]) ?? "",
    name: textIn(task["name"]) ?? textIn(task["slug"]) ?? "",
    /** -1 except for the children of a mapped task. */
    mapIndex: typeof row["map_index"] === "number" ? row["map_index"] : -1,
    state: stateIn(row["serialized_state"]),
  };
}

function edgeIn(row: JsonObject) {
  return {
    upstream: textIn(row["upstream_task_id"]) ?? "",
    downstream: textIn(row["downstream_task_id"]) ?? "",
    /** The downstream task uses the upstream task's result; otherwise it only waits for it to finish. */
    hasData: (textIn(row["key"]) ?? "") !== "",
    /** The downstream task is mapped over the result. */
    mapped: row["mapped"] === true,
  };
}

/** A task run, or a child of a mapped task that does not exist yet. */
type TaskInstance = Pick<TaskNode, "taskId" | "mapIndex">;

/** States that only a running process can finish. */
const IN_PROGRESS = new Set(["Running", "Submitted", "Looped"]);
/** Results that need no location, or that Core fetches again for every run. */
const NOT_STORED = new Set(["NoResultType", "ConstantResult", "SecretResult"]);

/** Follows the edges upstream from the unfinished task runs. Keeps the order of the graph. */
export function tasksToRestart(graph: TaskGraph) {
  const tasks = Map.groupBy(graph.runs, ({ taskId }) => taskId);
  const edges = Map.groupBy(
    graph.edges.filter(({ hasData }) => hasData),
    ({ downstream }) => downstream,
  );
  const resultLost = new Set<TaskNode>();
  const toVisit: TaskInstance[] = unfinishedTasks(tasks);
  for (let task = toVisit.pop(); task !== undefined; task = toVisit.pop()) {
    for (const edge of edges.get(task.taskId) ?? []) {
      for (const source of sourcesOf(task, edge, tasks)) {
        if (!isResultLost(source) || resultLost.has(source)) continue;
        resultLost.add(source);
        toVisit.push(source);
      }
    }
  }
  return {
    /** They were running in the lost pod. Unless reset, Core treats them as still running and skips them. */
    interrupted: graph.runs.filter(({ state }) => IN_PROGRESS.has(state.type)),
    /** They had succeeded, but their results were lost with the pod. */
    resultLost: graph.runs.filter((run) => resultLost.has(run)),
  };
}

/** Task runs that are not finished, and children of mapped tasks that do not exist yet. */
function unfinishedTasks(tasks: ReadonlyMap<string, readonly TaskNode[]>): TaskInstance[] {
  return [...tasks].flatMap(([taskId, runs]) => {
    const unfinished: TaskInstance[] = runs.filter(
      ({ state }) => IN_PROGRESS.has(state.type) || !isFinished(state.type),
    );
    const existing = new Set(runs.map(({ mapIndex }) => mapIndex));
    const missing = Array.from({ length: childCount(runs) }, (_, mapIndex) => ({ taskId, mapIndex }));
    return [...unfinished, ...missing.filter(({ mapIndex }) => !existing.has(mapIndex))];
  });
}

/** How many children a mapped task has, according to its state. */
function childCount(runs: readonly TaskNode[]): number {
  const parent = runs.find(({ mapIndex, state }) => mapIndex < 0 && state.type === "Mapped");
  const count = parent?.state["n_map_states"];
  return typeof count === "number" ? count : 0;
}

/** The task runs whose results this one uses. A child mapped over another mapped task uses only the child with its index. */
function sourcesOf(
  task: TaskInstance,
  edge: TaskEdge,
  tasks: ReadonlyMap<string, readonly TaskNode[]>,
): readonly TaskNode[] {
  const upstream = tasks.get(edge.upstream) ?? [];
  const children = upstream.filter(({ mapIndex }) => mapIndex >= 0);
  if (children.length === 0) return upstream;
  const isPaired =
    edge.mapped && task.mapIndex >= 0 && childCount(upstream) === childCount(tasks.get(task.taskId) ?? []);
  return isPaired ? children.filter(({ mapIndex }) => mapIndex === task.mapIndex) : children;
}

/** Whether the task succeeded but its result is stored nowhere. */
function isResultLost({ state }: TaskNode): boolean {
  if (state.type !== "Success" && state.type !== "Cached") return false;
  const result = objectIn(state["_result"]);
  const isStored = typeof result["location"] === "string" && result["location"] !== "";
  return !isStored && typeof result["type"] === "string" && !NOT_STORED.has(result["type"]);
}

const MAX_NAMES = 10;

/** The log message that lists the task runs; undefined: none. */
export function restartLine({
  interrupted,
  resultLost,
}: ReturnType<typeof tasksToRestart>): string | undefined {
  const parts = [
    { runs: interrupted, reason: "running in the lost pod" },
    { runs: resultLost, reason: "finished, but their results were stored nowhere else" },
  ].filter(({ runs }) => runs.length > 0);
  const texts = parts.map(({ runs, reason }) => `${runs.length} ${reason} (${namesOf(runs)})`);
  return texts.length === 0 ? undefined : `Task runs that run again: ${texts.join("; ")}`;
}

function namesOf(runs: readonly TaskNode[]): string {
  const names = runs.map(({ name, mapIndex }) => (mapIndex < 0 ? name : `${name}[${mapIndex}]`));
  const first = names.slice(0, MAX_NAMES).join(", ");
  return names.length > MAX_NAMES ? `${first} and ${names.length - MAX_NAMES} more` : first;
}

/** Logs which task runs will run again before it changes any state. Throws PrefectError. */
export async function restartRun(
  client: Pick<Prefect1Client, "graphql" | "setTaskStates" | "setState" | "runs">,
  {
    flowRunId,
    message,
    version,
    writeLog,
    delayMs,
    now,
  }: Restart & { readonly flowRunId: string; readonly now: Date },
): Promise<void> {
  const due = new Date(now.getTime() + delayMs);
  const tasks = tasksToRestart(taskGraphIn(await client.graphql.object(TASK_GRAPH, { id: flowRunId })));
  const line = restartLine(tasks);
  if (line !== undefined) await writeLog(line);
  // Not Scheduled: Prefect's queue also returns Running flow runs with due task runs, so the run would launch twice.
  const ids = [...tasks.resultLost, ...tasks.interrupted].map(({ id }) => id);
  await client.setTaskStates(ids, newState("Pending", message));
  // Somebody may have cancelled the run since the decision, and Prefect Server does not compare versions.
  const current = (await client.runs([flowRunId])).get(flowRunId);
  if (version !== undefined && current?.state.version !== version)
    throw new PrefectError("reschedule the flow run", "its state has changed", { failure: "locked" });
  const state = newState("Scheduled", message, { start_time: isoUtc(due) });
  await client.setState({ flowRunId, state, version });
}
