// Which task runs of a disrupted flow run must run again. Core 1.4.1 skips every finished task run and reads its result from
// the result's location. A result that existed only in the lost pod silently becomes None, so such a task must run again if
// another task still needs its result.

import { objectIn } from "../../base/json.ts";
import { isFinished } from "../states.ts";
import type { TaskEdge, TaskGraph, TaskNode } from "./task-graph.ts";

export interface TasksToRestart {
  /** They were running in the lost pod. Unless reset, Core treats them as still running and skips them. */
  readonly interrupted: readonly TaskNode[];
  /** They had succeeded, but their results were lost with the pod. */
  readonly resultLost: readonly TaskNode[];
}

/** A task run, or a child of a mapped task that does not exist yet. */
type TaskInstance = Pick<TaskNode, "taskId" | "mapIndex">;

/** States that only a running process can finish. */
const IN_PROGRESS = new Set(["Running", "Submitted", "Looped"]);
/** Results that need no location, or that Core fetches again for every run. */
const NOT_STORED = new Set(["NoResultType", "ConstantResult", "SecretResult"]);

/** Follows the edges upstream from the unfinished task runs. Keeps the order of the graph. */
export function tasksToRestart(graph: TaskGraph): TasksToRestart {
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
    interrupted: graph.runs.filter(({ state }) => IN_PROGRESS.has(state.type)),
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
export function restartLine({ interrupted, resultLost }: TasksToRestart): string | undefined {
  const parts = [
    { runs: interrupted, reason: "running in the lost pod" },
    { runs: resultLost, reason: "finished, but their results were stored nowhere else" },
  ];
  const texts = parts.flatMap(({ runs, reason }) =>
    runs.length === 0 ? [] : [`${runs.length} ${reason} (${namesOf(runs)})`],
  );
  return texts.length === 0 ? undefined : `Task runs that run again: ${texts.join("; ")}`;
}

function namesOf(runs: readonly TaskNode[]): string {
  const names = runs
    .slice(0, MAX_NAMES)
    .map(({ name, mapIndex }) => (mapIndex < 0 ? name : `${name}[${mapIndex}]`));
  return runs.length > MAX_NAMES
    ? `${names.join(", ")} and ${runs.length - MAX_NAMES} more`
    : names.join(", ");
}
