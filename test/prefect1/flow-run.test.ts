import { describe, expect, it } from "vitest";
import { ExpectedError } from "../../src/base/errors.ts";
import { readFlowRun } from "../../src/prefect1/flow-run.ts";
import recorded from "../golden/original/jobs.json" with { type: "json" };

const SMALL = { id: "run-1", flow: { id: "flow-1" } };

describe("readFlowRun", () => {
  it("reads a flow run of the API", () => {
    const wire = recorded[0]?.flow_run;
    const { labels, ...read } = readFlowRun(wire);
    expect(wire).toMatchObject(read);
    expect(labels).toBeNull();
  });

  it("fills in defaults for a hand-written file", () => {
    expect(readFlowRun(SMALL)).toEqual({
      id: "run-1",
      name: null,
      version: 0,
      state: "Scheduled",
      serialized_state: { type: "Scheduled" },
      run_config: null,
      labels: null,
      flow: { id: "flow-1", name: "", core_version: null, storage: null },
      task_runs: [],
    });
  });

  it("derives the state from the serialized state, and vice versa", () => {
    expect(readFlowRun({ ...SMALL, serialized_state: { type: "Running" } }).state).toBe("Running");
    expect(readFlowRun({ ...SMALL, state: "Running" }).serialized_state).toEqual({ type: "Running" });
  });

  it("reads the state of a new task run, which has only type and message", () => {
    const state = { type: "Pending", message: "Task run created" };
    const task_runs = [{ id: "t", version: 1, serialized_state: state }];
    expect(readFlowRun({ ...SMALL, task_runs }).task_runs).toEqual([
      { id: "t", version: 1, serialized_state: state },
    ]);
  });

  it.each([
    { wire: [], want: "cannot read the flow run: it is not an object" },
    { wire: undefined, want: "cannot read the flow run: it is not an object" },
    { wire: { flow: {} }, want: "cannot read the flow run: id is missing" },
    { wire: { id: "r" }, want: "cannot read the flow run: flow is missing" },
    { wire: { ...SMALL, flow: [] }, want: "flow is not an object" },
    { wire: { ...SMALL, flow: {} }, want: "flow.id is missing" },
    { wire: { ...SMALL, version: "1" }, want: "version is not a whole number" },
    { wire: { ...SMALL, version: 1.5 }, want: "version is not a whole number" },
    { wire: { ...SMALL, run_config: "x" }, want: "run_config is not an object" },
    { wire: { ...SMALL, labels: [1] }, want: "labels[0] is not a string" },
    { wire: { ...SMALL, serialized_state: {} }, want: "serialized_state.type is missing" },
    { wire: { ...SMALL, task_runs: {} }, want: "task_runs is not a list" },
    { wire: { ...SMALL, task_runs: [{ id: "t" }, {}] }, want: "task_runs[1].id is missing" },
    { wire: { ...SMALL, task_runs: [null] }, want: "task_runs[0] is not an object" },
    {
      wire: { ...SMALL, flow: { id: "f", core_version: 1 } },
      want: "flow.core_version is not a string",
    },
  ])("names the invalid field of $wire", ({ wire, want }) => {
    expect(() => readFlowRun(wire)).toThrow(want);
    expect(() => readFlowRun(wire)).toThrow(ExpectedError);
  });
});
