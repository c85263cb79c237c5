import { describe, expect, it } from "vitest";
import { Repaint } from "../../src/output/repaint.ts";
import { tableLines } from "../../src/output/table.ts";
import { Screen } from "./screen.ts";

interface Row {
  readonly name: string;
  readonly state: string;
  readonly age: string;
}

const COLUMNS = [
  { header: "NAME", value: (row: Row) => row.name },
  { header: "STATE", value: (row: Row) => row.state },
  { header: "AGE", value: (row: Row) => row.age },
];

function liveOn(screen: Screen): { readonly show: (rows: readonly Row[]) => void } {
  const repaint = new Repaint(screen);
  return { show: (rows) => repaint.paint(tableLines(COLUMNS, rows)) };
}

const row = (name: string, state: string, age = "1s"): Row => ({ name, state, age });

describe("Repaint", () => {
  it("redraws in place, longer and shorter", () => {
    const screen = new Screen();
    const live = liveOn(screen);
    live.show([row("a", "Running"), row("b", "Submitted"), row("c", "Running")]);
    live.show([row("a", "Success", "12s")]);
    expect(screen.seen()).toEqual(["NAME   STATE     AGE", "a      Success   12s"]);
    live.show([row("a", "Success"), row("d", "Running")]);
    expect(screen.seen()).toEqual(["NAME   STATE     AGE", "a      Success   1s", "d      Running   1s"]);
  });

  it("keeps earlier lines on the terminal", () => {
    const screen = new Screen();
    screen.write("$ kubectl prefect jobs -w\n");
    const live = liveOn(screen);
    live.show([row("a", "Running")]);
    live.show([row("a", "Failed")]);
    expect(screen.seen()).toEqual(["$ kubectl prefect jobs -w", "NAME   STATE    AGE", "a      Failed   1s"]);
  });

  it("shows as many rows as fit and counts the others", () => {
    const screen = new Screen({ rows: 5 });
    liveOn(screen).show(["a", "b", "c", "d", "e"].map((name) => row(name, "Running")));
    expect(screen.seen()).toEqual([
      "NAME   STATE     AGE",
      "a      Running   1s",
      "b      Running   1s",
      "… and 3 more",
    ]);
  });

  it("cuts lines to the terminal's width and redraws after it became narrower", () => {
    const screen = new Screen({ columns: 16 });
    const live = liveOn(screen);
    live.show([row("a", "Running", "1234567s")]);
    expect(screen.seen()).toEqual(["NAME   STATE   …", "a      Running …"]);
    screen.narrowTo(8);
    live.show([row("a", "Running", "1s")]);
    expect(screen.seen()).toEqual(["NAME   …", "a      …"]);
  });

  it("erases the table when there are no rows left", () => {
    const screen = new Screen();
    const live = liveOn(screen);
    live.show([row("a", "Running")]);
    live.show([]);
    expect(screen.seen()).toEqual([]);
  });
});
