// -o custom-columns, held against what kubectl printed.

import { describe, expect, it } from "vitest";
import { parseColumnsTemplate, parseCustomColumns } from "../../src/output/custom-columns.ts";
import type { ObjectColumn } from "../../src/output/custom-columns.ts";
import { tableLines } from "../../src/output/table.ts";
import { columnAnswers, podList } from "./kubectl-answers.ts";

const printed = (columns: readonly ObjectColumn[], rows: readonly unknown[] = podList.items): string =>
  `${tableLines(columns, rows).join("\n")}\n`;

describe("parseCustomColumns", () => {
  it.each(columnAnswers)("prints what kubectl prints for %s", (spec, answer) => {
    expect(printed(parseCustomColumns(spec))).toBe(answer);
  });

  it("takes commas in brackets and quotes for part of the path", () => {
    const columns = parseCustomColumns('A:.l[0,2],B:.l[?(@=="x,y")]');
    expect(printed(columns, [{ l: ["p", "q", "x,y"] }])).toBe("A       B\np,x,y   x,y\n");
  });

  it("shows null and numbers as Go does", () => {
    const columns = parseCustomColumns("N:.n,L:.l,M:.m");
    expect(printed(columns, [{ n: null, l: [1.5, null, true], m: { b: null, a: [] } }])).toBe(
      "N       L                  M\n<nil>   [1.5 <nil> true]   map[a:[] b:<nil>]\n",
    );
  });

  it.each([
    ["", "no columns given"],
    ["N", '"N" has no path'],
    ["N:.a,", "a column is empty"],
    ["N:.a,,M:.b", "a column is empty"],
    ["N:.a.{b}", '".a.{b}" is not a single path'],
  ])("refuses %j", (spec, cause) => {
    expect(() => parseCustomColumns(spec)).toThrow(`cannot read custom-columns "${spec}": ${cause}`);
  });

  it("refuses a path that cannot be read, with the place", () => {
    expect(() => parseCustomColumns("N:.a[b]")).toThrow('"b" is not an index (character 4)');
  });
});

describe("parseColumnsTemplate", () => {
  it("pairs the headers of the first line with the paths of the second", () => {
    const columns = parseColumnsTemplate("NAME   TIER\nmetadata.name {.metadata.labels.tier}\n", "file");
    expect(printed(columns)).toBe("NAME      TIER\nflow-1    <none>\nflow-10   10\nflow-2    2\n");
  });

  it.each([
    ["", 0, 0],
    ["NAME\n", 1, 0],
    ["NAME AGE\n.a\n", 2, 1],
  ])("refuses %j, whose lines do not match", (text, headers, paths) => {
    expect(() => parseColumnsTemplate(text, "columns.txt")).toThrow(
      `cannot read custom-columns-file "columns.txt": ${headers} headers but ${paths} paths`,
    );
  });
});
