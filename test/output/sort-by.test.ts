// --sort-by, held against the order that kubectl gave.

import { describe, expect, it } from "vitest";
import { parseSortBy, sortRows } from "../../src/output/sort-by.ts";
import type { Column } from "../../src/output/table.ts";
import { compareValues } from "../../src/output/value-order.ts";
import { podList, sortAnswers, sortedQuantities, sortedTexts } from "./kubectl-answers.ts";

interface Row {
  readonly name: string;
  readonly bornAt?: Date;
}

const columns: readonly Column<Row>[] = [
  { header: "NAME", value: (row) => row.name },
  { header: "LAST SEEN", value: () => "some time ago", sortValue: (row) => row.bornAt, wide: true },
];

const rows: readonly Row[] = [
  { name: "b", bornAt: new Date("2026-01-02T00:00:00Z") },
  { name: "c" },
  { name: "a", bornAt: new Date("2026-01-01T00:00:00Z") },
];

const sortedBy = (text: string): string =>
  sortRows(rows, parseSortBy(text, columns), (row) => row)
    .map((row) => row.name)
    .join(" ");

describe("sortRows", () => {
  it.each(sortAnswers)("sorts by %s as kubectl does", (path, answer) => {
    const sorted = sortRows(podList.items, parseSortBy(path, []), (pod) => pod);
    expect(sorted.map((pod) => pod.metadata.name).join(" ")).toBe(answer);
  });

  it.each([
    ["NAME", "a b c"],
    ["name", "a b c"],
    [".name", "a b c"],
    ["last-seen", "c a b"],
    ["Last_Seen", "c a b"],
  ])("takes %s for a column or field", (text, order) => {
    expect(sortedBy(text)).toBe(order);
  });

  it("keeps equal rows as they were", () => {
    expect(
      sortRows(rows, parseSortBy("NAME", [{ header: "NAME", value: () => "same" }]), (row) => row),
    ).toEqual(rows);
  });

  it("refuses a field that no object has, and names the columns", () => {
    expect(() => sortedBy("agee")).toThrow(
      expect.objectContaining({
        message: 'cannot sort by "agee": no object has this field',
        hint: "name a column (NAME, LAST SEEN) or a field like .metadata.creationTimestamp",
      }),
    );
  });

  it("has nothing to refuse when there are no rows", () => {
    expect(sortRows([], parseSortBy(".agee", columns), (row) => row)).toEqual([]);
  });

  it("refuses to sort by objects, as kubectl does", () => {
    const sort = (): unknown => sortRows(podList.items, parseSortBy(".metadata.labels", []), (pod) => pod);
    expect(sort).toThrow('cannot sort by ".metadata.labels": an object or a list has no order');
  });

  it("refuses what is not a single path", () => {
    expect(() => parseSortBy("{.a}{.b}", columns)).toThrow('cannot sort by "{.a}{.b}": not a single path');
  });
});

describe("compareValues", () => {
  it.each([
    ["quantities", sortedQuantities],
    ["other text", sortedTexts],
    ["moments", ["2026-11-21T09:00:00+02:00", "2026-11-21T07:51:18Z", "2026-11-21T07:51:18.5Z"]],
    ["kinds of values", [undefined, false, true, -1, 2, 10, "-1", "a"]],
  ])("puts %s in order", (_, inOrder: readonly unknown[]) => {
    const pairs = inOrder.flatMap((left, at) => inOrder.slice(at + 1).map((right) => [left, right] as const));
    expect(pairs.filter(([left, right]) => compareValues(left, right) >= 0)).toEqual([]);
    expect(pairs.filter(([left, right]) => compareValues(right, left) <= 0)).toEqual([]);
  });

  it("finds quantities of the same amount equal", () => {
    expect(compareValues("1024Mi", "1Gi")).toBe(0);
    expect(compareValues("0.5", "500m")).toBe(0);
  });
});
