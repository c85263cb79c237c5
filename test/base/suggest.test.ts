import { describe, expect, it } from "vitest";
import { suggest } from "../../src/base/suggest.ts";

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
