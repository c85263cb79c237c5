import { describe, expect, it } from "vitest";
import { moreCertain, clockFindings, readClock } from "../../../src/doctor/checks/clocks.ts";

const AT = new Date("2026-11-21T03:00:00.200Z");
const ABOUT = { section: "kubernetes", check: "clock", whose: "the API server's" } as const;

function resultOf(date: string | undefined, roundTripMs = 40): readonly (string | undefined)[] {
  const reading = readClock(date, { at: AT, roundTripMs });
  return clockFindings(ABOUT, reading).flatMap(({ status, message }) => [status, message]);
}

describe("the clock of the other side", () => {
  it.each([
    {
      name: "is the same within its second",
      date: "Sat, 21 Nov 2026 03:00:00 GMT",
      want: "agrees with the API server's",
    },
    {
      name: "may differ by a few seconds",
      date: "Sat, 21 Nov 2026 03:00:05 GMT",
      want: "agrees with the API server's",
    },
  ])("$name", ({ date, want }) => {
    expect(resultOf(date)).toEqual(["ok", want]);
  });

  it.each([
    { date: "Sat, 21 Nov 2026 03:05:00 GMT", want: "this machine's clock is 5m behind the API server's" },
    { date: "Sat, 21 Nov 2026 02:59:00 GMT", want: "this machine's clock is 59s ahead of the API server's" },
  ])("is a warning when it differs: $want", ({ date, want }) => {
    expect(resultOf(date)).toEqual(["warning", want]);
  });

  it.each([{ date: undefined }, { date: "tomorrow" }])(
    "has no finding when its date is $date",
    ({ date }) => {
      expect(resultOf(date)).toEqual([]);
    },
  );

  it("is ok when a slow response explains the difference", () => {
    expect(resultOf("Sat, 21 Nov 2026 02:59:51 GMT", 20_000)).toEqual(["ok", "agrees with the API server's"]);
  });

  it("is read from the quickest answer", () => {
    const slow = readClock("Sat, 21 Nov 2026 03:00:00 GMT", { at: AT, roundTripMs: 900 });
    const quick = readClock("Sat, 21 Nov 2026 03:00:00 GMT", { at: AT, roundTripMs: 9 });
    expect(moreCertain(slow, quick)).toBe(quick);
    expect(moreCertain(quick, slow)).toBe(quick);
    expect(moreCertain(undefined, slow)).toBe(slow);
  });
});
