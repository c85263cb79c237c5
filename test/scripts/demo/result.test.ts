import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../../../scripts/demo/scenarios.ts";
import { closingLine, problemsOf } from "../../../scripts/demo/result.ts";
import type { RunResult } from "../../../scripts/demo/result.ts";

function result(overrides: Partial<RunResult> = {}): RunResult {
  const scenario = SCENARIOS.find(({ name }) => name === "load-orders");
  if (scenario === undefined) throw new Error("there is no scenario load-orders");
  return {
    scenario,
    state: "Failed",
    message: "Kubernetes Error: container 'flow' exited with code 3",
    log: ["Last lines of container 'flow':\n\tKeyError: 'customer_id'"],
    jobsMade: ["prefect-job-1"],
    jobsLeft: [],
    dueAt: new Date(1_000),
    firstJobAt: new Date(1_100),
    ...overrides,
  };
}

describe("problemsOf", () => {
  it("finds no problem in a run that ended as expected", () => {
    expect(problemsOf(result())).toEqual([]);
  });

  it.each([
    { what: "another state", overrides: { state: "Running" }, problem: "load-orders is Running, not Failed" },
    {
      what: "another reason",
      overrides: { message: "no\nidea" },
      problem: "load-orders is Failed for another reason: no idea",
    },
    {
      what: "a missing log line",
      overrides: { log: [] },
      problem: `load-orders has no "KeyError: 'customer_id'" in its log`,
    },
    { what: "no Job", overrides: { jobsMade: [] }, problem: "load-orders had 0 Jobs, not one" },
    { what: "two Jobs", overrides: { jobsMade: ["a", "b"] }, problem: "load-orders had 2 Jobs, not one" },
    { what: "a remaining Job", overrides: { jobsLeft: ["a"] }, problem: "load-orders has Jobs left: a" },
    {
      what: "a Job before the start time",
      overrides: { firstJobAt: new Date(500) },
      problem: "load-orders had its Job before it was due",
    },
  ])("reports $what", ({ overrides, problem }) => {
    expect(problemsOf(result(overrides))).toEqual([problem]);
  });
});

describe("closingLine", () => {
  it("counts the runs that ended as expected and the remaining Jobs", () => {
    const all = [result(), result({ jobsLeft: ["a", "b"] })];
    expect(closingLine(all, 5_440)).toBe("1 of 2 flow runs ended as expected in 5.4 s; 2 Jobs are left.");
  });
});
