import { describe, expect, it } from "vitest";
import { Progress } from "../../src/output/progress.ts";
import { Screen } from "./screen.ts";

describe("Progress", () => {
  it("redraws its line in place", () => {
    const screen = new Screen();
    const progress = new Progress(screen);
    progress.update("deleted 1 of 5000, now prefect-job-1a2b");
    progress.update("deleted 2 of 5000");
    expect(screen.seen()).toEqual(["deleted 2 of 5000"]);
  });

  it("is not shown on a terminal that cannot move its cursor", () => {
    const screen = new Screen();
    new Progress(screen, { TERM: "dumb" }).update("deleted 1 of 5000");
    expect(screen.seen()).toEqual([]);
  });

  it("prints permanent lines above the progress line and keeps them when it is cleared", () => {
    const screen = new Screen();
    const progress = new Progress(screen);
    progress.update("deleting");
    progress.printLine("cannot delete job/a: forbidden");
    expect(screen.seen()).toEqual(["cannot delete job/a: forbidden", "deleting"]);
    progress.clear();
    expect(screen.seen()).toEqual(["cannot delete job/a: forbidden"]);
  });

  it("cuts the line to the terminal, and erases all of it after the window became narrower", () => {
    const screen = new Screen({ columns: 20 });
    const progress = new Progress(screen);
    progress.update("deleted 120 of 5000 Jobs");
    expect(screen.seen()).toEqual(["deleted 120 of 5000…"]);
    screen.narrowTo(10);
    progress.update("deleted 121 of 5000 Jobs");
    expect(screen.seen()).toEqual(["deleted 1…"]);
  });

  it("prints only permanent lines without a terminal", () => {
    const screen = new Screen({ isTTY: false });
    const progress = new Progress(screen);
    progress.update("deleting");
    progress.printLine("cannot delete job/a: forbidden");
    progress.clear();
    expect(screen.written).toBe("cannot delete job/a: forbidden\n");
  });
});
