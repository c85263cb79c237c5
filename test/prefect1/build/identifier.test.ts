import { describe, expect, it } from "vitest";
import { identifiersOf, jobIdentifier } from "../../../src/prefect1/build/identifier.ts";
import type { FlowRun } from "../../../src/prefect1/flow-run.ts";
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
    { title: "another run", run: flowRun({ id: "other" }) },
    { title: "another version", run: flowRun({ version: 4 }) },
    {
      title: "task runs of a Running run",
      run: flowRun({ state: "Running", task_runs: [task("t", 1)] }),
    },
  ])("differs for $title", ({ run }) => {
    expect(jobIdentifier(run)).not.toBe(jobIdentifier(flowRun()));
  });

  it("depends on the versions of task runs, not on their order", () => {
    const running = (...tasks: FlowRun["task_runs"][number][]): string =>
      jobIdentifier(flowRun({ state: "Running", task_runs: tasks }));
    expect(running(task("a", 1), task("b", 2))).toBe(running(task("b", 2), task("a", 1)));
    expect(running(task("a", 1), task("b", 2))).not.toBe(running(task("a", 2), task("b", 2)));
  });

  it("ignores the task runs of a Scheduled run", () => {
    expect(jobIdentifier(flowRun({ task_runs: [task("a", 1)] }))).toBe(jobIdentifier(flowRun()));
  });
});

describe("identifiersOf", () => {
  it("returns stable alternatives for when the first is taken", () => {
    const [first, second = "", third = ""] = identifiersOf("01234567", "run");
    expect(first).toBe("01234567");
    expect([second, third]).toEqual([second, third].map(() => expect.stringMatching(/^[0-9a-f]{8}$/)));
    expect(new Set([first, second, third]).size).toBe(3);
    expect(identifiersOf("01234567", "run")).toEqual([first, second, third]);
    expect(identifiersOf("01234567", "other")).not.toContain(second);
  });
});
