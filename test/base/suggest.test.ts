import { describe, expect, it } from "vitest";
import { closest, suggest } from "../../src/base/suggest.ts";

const WORDS = ["install", "inspect", "jobs", "logs", "agent start"];

describe("suggest", () => {
  it.each([
    { given: "instal", want: "install" },
    { given: "isntall", want: "install" },
    { given: "inspct", want: "inspect" },
    { given: "job", want: "jobs" },
    { given: "log", want: "logs" },
    { given: "agent strat", want: "agent start" },
    { given: "ping", want: undefined },
    { given: "", want: undefined },
  ])("takes $given for $want", ({ given, want }) => {
    expect(suggest(given, WORDS)).toBe(want);
  });
});

describe("closest", () => {
  it.each([
    { given: "in", want: ["install", "inspect"] },
    { given: "isntall", want: ["install"] },
    { given: "agent", want: ["agent start"] },
    { given: "ping", want: [] },
  ])("offers for $given: $want", ({ given, want }) => {
    expect(closest(given, WORDS)).toEqual(want);
  });
});
