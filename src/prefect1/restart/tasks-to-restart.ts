// Which task runs of a disrupted flow run must run again. Core 1.4.1 skips every task run that is finished and gives what
// depends on it the result that it finds at the result's location; a result that was only in the lost pod becomes None,
// without a message. Such tasks run again where another task still needs their result.

import { objectIn } from "../../base/json.ts";
import { isFinished } from "../states.ts";
import type { TaskEdge, TaskGraph, TaskNode } from "./task-graph.ts";

export interface TasksToRestart {
  /** They were running in the lost pod: a new one would take them for running still, and skip them. */
  readonly lost: readonly TaskNode[];
  /** They had succeeded, and their results were lost with the pod. */
  readonly unkept: readonly TaskNode[];
}

/** A task run, or one that a mapped task has not come to yet. */
type Place = Pick<TaskNode, "taskId" | "mapIndex">;

/** States of a task run that only a process can bring to an end. */
const AT_WORK = new Set(["Running", "Submitted", "Looped"]);
/** Results that need no place, or that Core fetches anew for every run. */
const NO_PLACE = new Set(["NoResultType", "ConstantResult", "SecretResult"]);

/** What to run again, each once, in the graph's order. */
export function tasksToRestart(graph: TaskGraph): TasksToRestart {
  const tasks = Map.groupBy(graph.runs, ({ taskId }) => taskId);
  const edges = Map.groupBy(
    graph.edges.filter(({ hasData }) => hasData),
    ({ downstream }) => downstream,
  );
  const unkept = new Set<TaskNode>();
  const toVisit: Place[] = openPlaces(tasks);
  for (let place = toVisit.pop(); place !== undefined; place = toVisit.pop()) {
    for (const edge of edges.get(place.taskId) ?? []) {
      for (const source of sourcesOf(place, edge, tasks)) {
        if (!isUnkept(source) || unkept.has(source)) continue;
        unkept.add(source);
        toVisit.push(source);
      }
    }
  }
  return {
    lost: graph.runs.filter(({ state }) => AT_WORK.has(state.type)),
    unkept: graph.runs.filter((run) => unkept.has(run)),
  };
}

/** Where work is still to be done: task runs that are not over, and children that a mapped task has yet to make. */
function openPlaces(tasks: ReadonlyMap<string, readonly TaskNode[]>): Place[] {
  return [...tasks].flatMap(([taskId, runs]) => {
    const open: Place[] = runs.filter(({ state }) => AT_WORK.has(state.type) || !isFinished(state.type));
    const made = new Set(runs.map(({ mapIndex }) => mapIndex));
    const missing = Array.from({ length: widthOf(runs) }, (_, mapIndex) => ({ taskId, mapIndex }));
    return [...open, ...missing.filter(({ mapIndex }) => !made.has(mapIndex))];
  });
}

/** How many children a mapped task has, by its own state. */
function widthOf(runs: readonly TaskNode[]): number {
  const parent = runs.find(({ mapIndex, state }) => mapIndex < 0 && state.type === "Mapped");
  const width = parent?.state["n_map_states"];
  return typeof width === "number" ? width : 0;
}

/** The task runs whose results this one takes. Where one child of a mapped task feeds one of another, only that. */
function sourcesOf(
  place: Place,
  edge: TaskEdge,
  tasks: ReadonlyMap<string, readonly TaskNode[]>,
): readonly TaskNode[] {
  const upstream = tasks.get(edge.upstream) ?? [];
  const children = upstream.filter(({ mapIndex }) => mapIndex >= 0);
  if (children.length === 0) return upstream;
  const isPaired =
    edge.mapped && place.mapIndex >= 0 && widthOf(upstream) === widthOf(tasks.get(place.taskId) ?? []);
  return isPaired ? children.filter(({ mapIndex }) => mapIndex === place.mapIndex) : children;
}

/** Whether the task ended well, and what it made is nowhere. */
function isUnkept({ state }: TaskNode): boolean {
  if (state.type !== "Success" && state.type !== "Cached") return false;
  const result = objectIn(state["_result"]);
  const isPlaced = typeof result["location"] === "string" && result["location"] !== "";
  return !isPlaced && typeof result["type"] === "string" && !NO_PLACE.has(result["type"]);
}

const NAMED = 10;

/** What runs again, in one line; undefined: nothing. */
export function restartLine({ lost, unkept }: TasksToRestart): string | undefined {
  const parts = [
    { runs: lost, why: "running in the lost pod" },
    { runs: unkept, why: "finished, but their results were stored nowhere else" },
  ];
  const words = parts.flatMap(({ runs, why }) =>
    runs.length === 0 ? [] : [`${runs.length} ${why} (${namesOf(runs)})`],
  );
  return words.length === 0 ? undefined : `Task runs that run again: ${words.join("; ")}`;
}

function namesOf(runs: readonly TaskNode[]): string {
  const names = runs
    .slice(0, NAMED)
    .map(({ name, mapIndex }) => (mapIndex < 0 ? name : `${name}[${mapIndex}]`));
  return runs.length > NAMED ? `${names.join(", ")} and ${runs.length - NAMED} more` : names.join(", ");
}
