// Which task runs go back when a flow run lost its pod: as small as it can be, and nothing that Core would pass over wrongly.

import { describe, expect, it } from "vitest";
import { restartLine, tasksToRestart } from "../../../src/prefect1/restart/tasks-to-restart.ts";
import type { TaskEdge, TaskGraph, TaskNode } from "../../../src/prefect1/restart/task-graph.ts";
import type { State } from "../../../src/prefect1/states.ts";

const RESULT = { type: "Result", __version__: "1.4.1", location: null };
const KEPT = { type: "S3Result", __version__: "1.4.1", bucket: "b", location: "b/1" };

const running: State = { type: "Running" };
const pending: State = { type: "Pending" };
const done: State = { type: "Success", _result: RESULT };
const kept: State = { type: "Success", _result: KEPT };
const mapped = (width: number): State => ({ type: "Mapped", n_map_states: width });

/** `extract`, or `double[2]` for a child of a mapped task; the edges read `extract > load`, `>>` mapped, `-` without data. */
function graph(states: Readonly<Record<string, State>>, edges: readonly string[]): TaskGraph {
  return { runs: Object.entries(states).map(node), edges: edges.map(edge) };
}

function node([name, state]: [string, State]): TaskNode {
  const [, task = "", index] = /^(\w+)(?:\[(\d+)\])?$/.exec(name) ?? [];
  return { id: name, taskId: task, name: task, mapIndex: index === undefined ? -1 : Number(index), state };
}

function edge(text: string): TaskEdge {
  const [upstream = "", kind = "", downstream = ""] = text.split(" ");
  return { upstream, downstream, hasData: kind !== "-", mapped: kind === ">>" };
}

const ids = (runs: readonly TaskNode[]): string[] => runs.map(({ id }) => id);

interface Row {
  readonly name: string;
  readonly states: Readonly<Record<string, State>>;
  readonly edges: readonly string[];
  readonly lost: readonly string[];
  readonly unkept: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: "a task at work, and what it takes if that is nowhere, and so on up",
    states: { extract: done, clean: done, load: running },
    edges: ["extract > clean", "clean > load"],
    lost: ["load"],
    unkept: ["extract", "clean"],
  },
  {
    name: "nothing above a result that is kept",
    states: { extract: done, clean: kept, load: running },
    edges: ["extract > clean", "clean > load"],
    lost: ["load"],
    unkept: [],
  },
  {
    name: "no task that is done and whose result nobody needs any more",
    states: { extract: done, mail: done, load: running },
    edges: ["extract > mail"],
    lost: ["load"],
    unkept: [],
  },
  {
    name: "no task that is only waited for",
    states: { prepare: done, load: pending },
    edges: ["prepare - load"],
    lost: [],
    unkept: [],
  },
  {
    name: "what a task takes that has not begun, or waits for its retry",
    states: { a: done, b: done, c: pending, d: { type: "Retrying" } },
    edges: ["a > c", "b > d"],
    lost: [],
    unkept: ["a", "b"],
  },
  {
    name: "a loop from its start",
    states: { loop: { type: "Looped", _result: RESULT } },
    edges: [],
    lost: ["loop"],
    unkept: [],
  },
  {
    name: "no parameter, secret, skipped or failed task, and nothing that somebody marked as Success",
    states: {
      parameter: { type: "Success", _result: { type: "PrefectResult", location: "3" } },
      secret: { type: "Success", _result: { type: "SecretResult", location: null } },
      constant: { type: "Success", _result: { type: "ConstantResult", location: null } },
      marked: { type: "Success", _result: { type: "NoResultType" } },
      skipped: { type: "Skipped", _result: RESULT },
      failed: { type: "Failed", _result: RESULT },
      load: running,
    },
    edges: ["parameter", "secret", "constant", "marked", "skipped", "failed"].map((task) => `${task} > load`),
    lost: ["load"],
    unkept: [],
  },
  {
    name: "a lost child of a mapped task, and the list that it was mapped over",
    states: { list: done, double: mapped(3), "double[0]": kept, "double[1]": running, "double[2]": kept },
    edges: ["list >> double"],
    lost: ["double[1]"],
    unkept: ["list"],
  },
  {
    name: "the list for children that are still to be made",
    states: { list: done, double: mapped(2), "double[0]": kept },
    edges: ["list >> double"],
    lost: [],
    unkept: ["list"],
  },
  {
    name: "all children whose results go into a task that is still to come",
    states: {
      list: kept,
      double: mapped(3),
      "double[0]": done,
      "double[1]": done,
      "double[2]": kept,
      total: pending,
    },
    edges: ["list >> double", "double > total"],
    lost: [],
    unkept: ["double[0]", "double[1]"],
  },
  {
    name: "of a map over a map only the child that feeds the lost one",
    states: {
      get: mapped(2),
      "get[0]": done,
      "get[1]": done,
      put: mapped(2),
      "put[0]": done,
      "put[1]": running,
    },
    edges: ["get >> put"],
    lost: ["put[1]"],
    unkept: ["get[1]"],
  },
  {
    name: "nothing of a map that is over",
    states: { list: done, double: mapped(1), "double[0]": done, other: running },
    edges: ["list >> double"],
    lost: ["other"],
    unkept: [],
  },
];

describe("what is run again", () => {
  it.each(ROWS)("is $name", ({ states, edges, lost, unkept }) => {
    const again = tasksToRestart(graph(states, edges));
    expect({ lost: ids(again.lost), unkept: ids(again.unkept) }).toEqual({ lost, unkept });
  });

  it("is told in one line", () => {
    const states = { a: done, "b[0]": running, "b[1]": running };
    const line = restartLine(tasksToRestart(graph(states, ["a > b"])));
    expect(line).toBe(
      "Task runs that run again: 2 running in the lost pod (b[0], b[1]); 1 finished, but their results were stored nowhere else (a)",
    );
    expect(restartLine({ lost: [], unkept: [] })).toBeUndefined();
  });

  it("is told with ten names at most", () => {
    const states = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`t${at}`, running]));
    expect(restartLine(tasksToRestart(graph(states, [])))).toMatch(/t9 and 2 more\)$/);
  });
});
