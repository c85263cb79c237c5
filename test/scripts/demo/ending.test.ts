import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../../../scripts/demo/scenarios.ts";
import { closingLine, problemsOf } from "../../../scripts/demo/ending.ts";
import type { Facts } from "../../../scripts/demo/ending.ts";

function facts(given: Partial<Facts> = {}): Facts {
  const role = SCENARIOS.find(({ name }) => name === "load-orders");
  if (role === undefined) throw new Error("the cast has no load-orders");
  return {
    role,
    state: "Failed",
    message: "Kubernetes Error: container 'flow' exited with code 3",
    log: ["Last lines of container 'flow':\n\tKeyError: 'customer_id'"],
    jobsMade: ["prefect-job-1"],
    jobsLeft: [],
    dueAt: new Date(1_000),
    firstJobAt: new Date(1_100),
    ...given,
  };
}

describe("problemsOf", () => {
  it("finds nothing in a run that ended as it should", () => {
    expect(problemsOf(facts())).toEqual([]);
  });

  it.each([
    { what: "another state", given: { state: "Running" }, problem: "load-orders is Running, not Failed" },
    {
      what: "another reason",
      given: { message: "no\nidea" },
      problem: "load-orders is Failed for another reason: no idea",
    },
    {
      what: "no last lines",
      given: { log: [] },
      problem: `load-orders has no "KeyError: 'customer_id'" in its log`,
    },
    { what: "no Job", given: { jobsMade: [] }, problem: "load-orders had 0 Jobs, not one" },
    { what: "two Jobs", given: { jobsMade: ["a", "b"] }, problem: "load-orders had 2 Jobs, not one" },
    { what: "a Job left", given: { jobsLeft: ["a"] }, problem: "load-orders has Jobs left: a" },
    {
      what: "a Job too early",
      given: { firstJobAt: new Date(500) },
      problem: "load-orders had its Job before it was due",
    },
  ])("names $what", ({ given, problem }) => {
    expect(problemsOf(facts(given))).toEqual([problem]);
  });
});

describe("closingLine", () => {
  it("counts the runs that ended well and the Jobs that are left", () => {
    const all = [facts(), facts({ jobsLeft: ["a", "b"] })];
    expect(closingLine(all, 5_440)).toBe("1 of 2 flow runs ended as they should in 5.4 s; 2 Jobs are left.");
  });
});
