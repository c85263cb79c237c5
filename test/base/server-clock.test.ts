import { describe, expect, it } from "vitest";
import { serverClock } from "../../src/base/server-clock.ts";

const NOW = new Date("2026-11-21T03:00:00.200Z");

function clockAfter(...responses: { readonly date?: string; readonly ms: number }[]) {
  const clock = serverClock({ now: () => NOW });
  for (const response of responses) clock.read(response);
  return clock;
}

describe("the clock of a server", () => {
  it.each([
    { name: "within the same second", date: "Sat, 21 Nov 2026 03:00:00 GMT", ms: 40, want: 0 },
    { name: "five minutes ahead", date: "Sat, 21 Nov 2026 03:05:00 GMT", ms: 40, want: 299_800 },
    { name: "a minute behind", date: "Sat, 21 Nov 2026 02:59:00 GMT", ms: 40, want: -59_160 },
    {
      name: "behind by less than the response took",
      date: "Sat, 21 Nov 2026 02:59:51 GMT",
      ms: 20_000,
      want: 0,
    },
  ])("is $name", ({ date, ms, want }) => {
    expect(clockAfter({ date, ms }).aheadMs()).toBeCloseTo(want);
  });

  it("is unknown without a date that can be read, and is then taken for ours", () => {
    const clock = clockAfter({ ms: 1 }, { date: "tomorrow", ms: 1 });
    expect(clock.aheadMs()).toBeUndefined();
    expect(clock.now()).toEqual(NOW);
  });

  it("is read from the first response", () => {
    const date = "Sat, 21 Nov 2026 03:05:00 GMT";
    const clock = clockAfter({ date, ms: 0 }, { date: "Sat, 21 Nov 2026 09:00:00 GMT", ms: 0 });
    expect(clock.now()).toEqual(new Date("2026-11-21T03:05:00Z"));
  });
});
