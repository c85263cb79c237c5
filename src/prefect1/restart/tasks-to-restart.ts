// Run again: which task runs of a disrupted flow run have to be, so that it is whole. Core 1.4.1 passes over every task run
// that is finished and gives what depends on it the result that it finds at the result's location; of a result that was only
// in the lost pod it makes None, without a word. Such tasks are run again where somebody still needs what they made.

import { objectIn } from "../../base/json.ts";
import { isFinished } from "../states.ts";
import type { TaskEdge, TaskGraph, TaskNode } from "./task-graph.ts";

export interface RunAgain {
  /** Were at work in the lost pod: for a new one they would count as working still, and be passed over. */
  readonly lost: readonly TaskNode[];
  /** Had ended well, and their results were lost with the pod. */
  readonly unkept: readonly TaskNode[];
}

/** A task run, or one that a mapped task has not come to yet. */
type Place = Pick<TaskNode, "taskId" | "mapIndex">;

/** States of a task run that only a process can bring to an end. */
const AT_WORK = new Set(["Running", "Submitted", "Looped"]);
/** Results that need no place, or that Core fetches anew for every run. */
const NO_PLACE = new Set(["NoResultType", "ConstantResult", "SecretResult"]);

/** What to run again, each once, in the graph's order. */
export function tasksToRunAgain(graph: TaskGraph): RunAgain {
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

/** What is run again, in one line; undefined: nothing. */
export function runAgainLine({ lost, unkept }: RunAgain): string | undefined {
  const parts = [
    { runs: lost, why: "at work in the lost pod" },
    { runs: unkept, why: "done, but their results were kept nowhere else" },
  ];
  const words = parts.flatMap(({ runs, why }) =>
    runs.length === 0 ? [] : [`${runs.length} ${why} (${namesOf(runs)})`],
  );
  return words.length === 0 ? undefined : `Task runs that are run again: ${words.join("; ")}`;
}

function namesOf(runs: readonly TaskNode[]): string {
  const names = runs
    .slice(0, NAMED)
    .map(({ name, mapIndex }) => (mapIndex < 0 ? name : `${name}[${mapIndex}]`));
  return runs.length > NAMED ? `${names.join(", ")} and ${runs.length - NAMED} more` : names.join(", ");
}
