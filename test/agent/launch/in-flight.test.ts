import { describe, expect, it } from "vitest";
import { InFlight } from "../../../src/agent/launch/in-flight.ts";

const NOT_SEEN = (): boolean => false;

describe("a created Job that the watch has not delivered", () => {
  it.each([
    { what: "however long the watch is late", listedAtMs: 0, uncounted: 1 },
    { what: "after a list that began before it was created", listedAtMs: 999, uncounted: 1 },
    { what: "after a list that began as it was created", listedAtMs: 1_000, uncounted: 1 },
    { what: "no more after a list that began later: it is deleted", listedAtMs: 1_001, uncounted: 0 },
  ])("counts $what", ({ listedAtMs, uncounted }) => {
    let now = 1_000;
    const inFlight = new InFlight({ ticks: () => now });
    inFlight.created("run");
    now += 86_400_000;
    expect(inFlight.uncounted(NOT_SEEN, listedAtMs)).toBe(uncounted);
  });

  it("does not count if the watch has delivered it, and its end, before the answer came", () => {
    const inFlight = new InFlight({ ticks: () => 0 });
    inFlight.add("run");
    inFlight.seen("run");
    inFlight.created("run");
    inFlight.remove("run");
    expect(inFlight.uncounted(NOT_SEEN, 0)).toBe(0);
  });

  it("counts once beside its claim", () => {
    const inFlight = new InFlight({ ticks: () => 0 });
    inFlight.add("run");
    inFlight.created("run");
    inFlight.waiting.add("another");
    expect(inFlight.uncounted(NOT_SEEN, 0)).toBe(2);
    inFlight.seen("run");
    expect(inFlight.uncounted((id) => id === "run", 0)).toBe(1);
  });
});
