// How a table fits a terminal.

import { describe, expect, it } from "vitest";
import { fitColumns } from "../../src/output/table.ts";

const COLUMNS = [
  { header: "FLOW RUN", shorten: { at: "middle", to: 12 } },
  { header: "JOB", shorten: { at: "middle", to: 10 }, dropFirst: 1 },
  { header: "RESTARTS", dropFirst: 2 },
  { header: "STATUS" },
] as const;
const LONGEST = [20, 30, 8, 8];

describe("fitColumns", () => {
  it.each([
    { terminal: undefined, want: [20, 30, 8, 8] },
    { terminal: 75, want: [20, 30, 8, 8] },
    { terminal: 70, want: [20, 25, 8, 8] },
    { terminal: 60, want: [17, 18, 8, 8] },
    { terminal: 47, want: [12, 10, 8, 8] },
    { terminal: 46, want: [16, 16, 0, 8] },
    { terminal: 30, want: [19, 0, 0, 8] },
    { terminal: 10, want: [12, 0, 0, 8] },
  ])("gives a terminal of $terminal columns the widths $want", ({ terminal, want }) => {
    expect(fitColumns(COLUMNS, LONGEST, terminal)).toEqual(want);
  });

  it("shortens names before sentences", () => {
    const columns = [
      { header: "NAME", shorten: { at: "middle", to: 8 } },
      { header: "REASON", shorten: { at: "end", to: 10 } },
    ] as const;
    expect(fitColumns(columns, [20, 40], 53)).toEqual([10, 40]);
    expect(fitColumns(columns, [20, 40], 40)).toEqual([8, 29]);
  });

  it("never cuts a header", () => {
    const columns = [{ header: "LONG HEADER", shorten: { at: "end", to: 3 } }, { header: "STATUS" }] as const;
    expect(fitColumns(columns, [30, 6], 10)).toEqual([11, 6]);
  });
});
