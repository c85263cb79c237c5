import { describe, expect, it } from "vitest";
import { colours as paint } from "../../src/output/colours.ts";
import { tableLines, tableWriter } from "../../src/output/table.ts";
import type { Column } from "../../src/output/table.ts";

interface Row {
  readonly name: string;
  readonly pods?: number;
  readonly reason?: string;
}

const columns: readonly Column<Row>[] = [
  { header: "NAME", value: (row) => row.name, colour: (row) => (row.name === "bad" ? "bad" : undefined) },
  { header: "PODS", value: (row) => row.pods },
  { header: "REASON", value: (row) => row.reason, wide: true },
];

describe("tableLines", () => {
  it("separates columns with three spaces, and leaves no trailing spaces", () => {
    const rows = [{ name: "prefect-job-1a2b", pods: 1 }, { name: "x", pods: 12 }, { name: "y" }];
    expect(tableLines(columns, rows)).toEqual([
      "NAME               PODS",
      "prefect-job-1a2b   1",
      "x                  12",
      "y                  <none>",
    ]);
  });

  it("shows wide columns, and no spaces for empty cells at the end", () => {
    const rows = [
      { name: "a", pods: 1, reason: "" },
      { name: "b", pods: 2, reason: "image cannot be pulled" },
    ];
    expect(tableLines(columns, rows, { wide: true })).toEqual([
      "NAME   PODS   REASON",
      "a      1",
      "b      2      image cannot be pulled",
    ]);
  });

  it("ignores the header's width with noHeaders", () => {
    expect(tableLines(columns, [{ name: "a", pods: 1 }], { noHeaders: true })).toEqual(["a     1"]);
  });

  it("gives a narrow column six characters, as kubectl does", () => {
    const narrow: Column<string> = { header: "N", value: (row) => row };
    expect(tableLines([narrow, narrow], ["a"])).toEqual(["N     N", "a     a"]);
  });

  it("prints nothing without rows", () => {
    expect(tableLines(columns, [])).toEqual([]);
  });

  it("counts wide characters as two and combining ones as none", () => {
    const rows = [
      { name: "日本", pods: 1 },
      { name: "e\u0301té", pods: 2 },
    ];
    expect(tableLines(columns, rows)).toEqual(["NAME   PODS", "日本   1", "e\u0301té    2"]);
  });

  it("cuts a cell at its first line break and shows control characters", () => {
    const rows = [{ name: "two\nlines" }, { name: "red\u001B[31m\ttab" }];
    expect(tableLines(columns.slice(0, 1), rows)).toEqual(["NAME", "two...", "red^[[31m tab"]);
  });

  it("colours the text but not the padding, and aligns as without colours", () => {
    const lines = tableLines(columns, [{ name: "bad", pods: 1 }], { paint });
    expect(lines[1]).toBe("\u001B[31mbad\u001B[39m    1");
  });
});

describe("a table on a terminal", () => {
  const jobs: readonly Column<Row>[] = [
    { header: "NAME", value: (row) => row.name, shorten: { at: "middle", to: 8 } },
    { header: "PODS", value: (row) => row.pods, dropFirst: 1 },
    { header: "STATUS", value: () => "active" },
    { header: "REASON", value: (row) => row.reason, shorten: { at: "end", to: 10 }, wide: true },
  ];
  const rows = [{ name: "prefect-job-1a2b", pods: 1, reason: "its Job has a running pod" }];

  it("is whole where there is room, and in a pipe", () => {
    const whole = ["NAME               PODS   STATUS", "prefect-job-1a2b   1      active"];
    expect(tableLines(jobs, rows, { width: 32 })).toEqual(whole);
    expect(tableLines(jobs, rows)).toEqual(whole);
  });

  it("shortens names before it leaves out a column", () => {
    expect(tableLines(jobs, rows, { width: 26 })).toEqual([
      "NAME         PODS   STATUS",
      "prefe…1a2b   1      active",
    ]);
  });

  it("leaves out a column before a name becomes too short", () => {
    expect(tableLines(jobs, rows, { width: 23 })).toEqual([
      "NAME             STATUS",
      "prefect…b-1a2b   active",
    ]);
  });

  it("shortens sentences at their end, and no header", () => {
    expect(tableLines(jobs, rows, { width: 30, wide: true })).toEqual([
      "NAME       STATUS   REASON",
      "pref…a2b   active   its Job h…",
    ]);
  });
});

describe("tableWriter", () => {
  it("prints the header once and keeps the column widths of earlier pages", () => {
    const linesOf = tableWriter(columns);
    expect(linesOf([{ name: "long-name", pods: 1 }])).toEqual(["NAME        PODS", "long-name   1"]);
    expect(linesOf([{ name: "x", pods: 2 }])).toEqual(["x           2"]);
  });

  it("widens a column from the first page that needs it", () => {
    const linesOf = tableWriter(columns);
    linesOf([{ name: "x", pods: 1 }]);
    expect(linesOf([{ name: "long-name", pods: 2 }])).toEqual(["long-name   2"]);
    expect(linesOf([{ name: "y", pods: 3 }])).toEqual(["y           3"]);
  });
});
