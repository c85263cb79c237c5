// Which task runs run again after a lost pod: as few as possible, but all that Core would skip wrongly.

import { describe, expect, it } from "vitest";
import { restartLine, tasksToRestart } from "../../src/prefect1/restart.ts";
import type { TaskEdge, TaskGraph, TaskNode } from "../../src/prefect1/restart.ts";
import type { State } from "../../src/prefect1/states.ts";

const RESULT = { type: "Result", __version__: "1.4.1", location: null };
const KEPT = { type: "S3Result", __version__: "1.4.1", bucket: "b", location: "b/1" };

const running: State = { type: "Running" };
const pending: State = { type: "Pending" };
const done: State = { type: "Success", _result: RESULT };
const kept: State = { type: "Success", _result: KEPT };
const mapped = (width: number): State => ({ type: "Mapped", n_map_states: width });

/** Task runs are named `extract`, or `double[2]` for a child of a mapped task. Edges: `a > b`, `a >> b` (mapped), `a - b` (no data). */
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
  readonly interrupted: readonly string[];
  readonly resultLost: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: "a running task, and all tasks upstream whose results are lost",
    states: { extract: done, clean: done, load: running },
    edges: ["extract > clean", "clean > load"],
    interrupted: ["load"],
    resultLost: ["extract", "clean"],
  },
  {
    name: "nothing upstream of a stored result",
    states: { extract: done, clean: kept, load: running },
    edges: ["extract > clean", "clean > load"],
    interrupted: ["load"],
    resultLost: [],
  },
  {
    name: "no finished task whose result is not needed any more",
    states: { extract: done, mail: done, load: running },
    edges: ["extract > mail"],
    interrupted: ["load"],
    resultLost: [],
  },
  {
    name: "no upstream task without data",
    states: { prepare: done, load: pending },
    edges: ["prepare - load"],
    interrupted: [],
    resultLost: [],
  },
  {
    name: "upstream tasks of a task that has not started, or waits for its retry",
    states: { a: done, b: done, c: pending, d: { type: "Retrying" } },
    edges: ["a > c", "b > d"],
    interrupted: [],
    resultLost: ["a", "b"],
  },
  {
    name: "a loop from its start",
    states: { loop: { type: "Looped", _result: RESULT } },
    edges: [],
    interrupted: ["loop"],
    resultLost: [],
  },
  {
    name: "no parameter, secret, skipped or failed task, and none that was marked as Success by hand",
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
    interrupted: ["load"],
    resultLost: [],
  },
  {
    name: "an interrupted child of a mapped task, and the list it is mapped over",
    states: { list: done, double: mapped(3), "double[0]": kept, "double[1]": running, "double[2]": kept },
    edges: ["list >> double"],
    interrupted: ["double[1]"],
    resultLost: ["list"],
  },
  {
    name: "the list for children that do not exist yet",
    states: { list: done, double: mapped(2), "double[0]": kept },
    edges: ["list >> double"],
    interrupted: [],
    resultLost: ["list"],
  },
  {
    name: "all children whose lost results a pending task needs",
    states: {
      list: kept,
      double: mapped(3),
      "double[0]": done,
      "double[1]": done,
      "double[2]": kept,
      total: pending,
    },
    edges: ["list >> double", "double > total"],
    interrupted: [],
    resultLost: ["double[0]", "double[1]"],
  },
  {
    name: "only the matching child of a map over a map",
    states: {
      get: mapped(2),
      "get[0]": done,
      "get[1]": done,
      put: mapped(2),
      "put[0]": done,
      "put[1]": running,
    },
    edges: ["get >> put"],
    interrupted: ["put[1]"],
    resultLost: ["get[1]"],
  },
  {
    name: "nothing of a finished map",
    states: { list: done, double: mapped(1), "double[0]": done, other: running },
    edges: ["list >> double"],
    interrupted: ["other"],
    resultLost: [],
  },
];

describe("tasksToRestart", () => {
  it.each(ROWS)("returns $name", ({ states, edges, interrupted, resultLost }) => {
    const restarted = tasksToRestart(graph(states, edges));
    expect({ interrupted: ids(restarted.interrupted), resultLost: ids(restarted.resultLost) }).toEqual({
      interrupted,
      resultLost,
    });
  });

  it("is logged in one line", () => {
    const states = { a: done, "b[0]": running, "b[1]": running };
    const line = restartLine(tasksToRestart(graph(states, ["a > b"])));
    expect(line).toBe(
      "Task runs that run again: 2 running in the lost pod (b[0], b[1]); 1 finished, but their results were stored nowhere else (a)",
    );
    expect(restartLine({ interrupted: [], resultLost: [] })).toBeUndefined();
  });

  it("is logged with at most ten names", () => {
    const states = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`t${at}`, running]));
    expect(restartLine(tasksToRestart(graph(states, [])))).toMatch(/t9 and 2 more\)$/);
  });
});
