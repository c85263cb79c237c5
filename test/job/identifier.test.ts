import { describe, expect, it } from "vitest";
import { jobIdentifier } from "../../src/job/identifier.ts";
import type { FlowRun } from "../../src/prefect/flow-run.ts";
import { flowRun } from "./support.ts";

const task = (id: string, version: number): FlowRun["task_runs"][number] => ({
  id,
  version,
  serialized_state: { type: "Retrying" },
});

describe("jobIdentifier", () => {
  it("is eight hex digits, the same each time", () => {
    expect(jobIdentifier(flowRun())).toMatch(/^[0-9a-f]{8}$/);
    expect(jobIdentifier(flowRun())).toBe(jobIdentifier(flowRun()));
  });

  it.each([
    { title: "another run", run: flowRun({ id: "other" }), attempt: 0 },
    { title: "another version", run: flowRun({ version: 4 }), attempt: 0 },
    { title: "another attempt", run: flowRun(), attempt: 1 },
    {
      title: "task runs of a Running run",
      run: flowRun({ state: "Running", task_runs: [task("t", 1)] }),
      attempt: 0,
    },
  ])("differs for $title", ({ run, attempt }) => {
    expect(jobIdentifier(run, attempt)).not.toBe(jobIdentifier(flowRun()));
  });

  it("does not care for the order of task runs, but for their versions", () => {
    const running = (...tasks: FlowRun["task_runs"][number][]): string =>
      jobIdentifier(flowRun({ state: "Running", task_runs: tasks }));
    expect(running(task("a", 1), task("b", 2))).toBe(running(task("b", 2), task("a", 1)));
    expect(running(task("a", 1), task("b", 2))).not.toBe(running(task("a", 2), task("b", 2)));
  });

  it("does not care for the task runs of a Scheduled run", () => {
    expect(jobIdentifier(flowRun({ task_runs: [task("a", 1)] }))).toBe(jobIdentifier(flowRun()));
  });
});
