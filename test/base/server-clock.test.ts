// A server's time by the Date headers of its responses, whatever happens to the clock of this machine.

import { describe, expect, it } from "vitest";
import { ServerClock } from "../../src/base/server-clock.ts";

const NOW = new Date("2026-11-21T03:00:00.200Z");

/** A machine whose clock can be set. */
function machine() {
  const state = { ticks: 0, setByMs: 0 };
  const clock = new ServerClock({
    now: () => new Date(NOW.getTime() + state.ticks + state.setByMs),
    ticks: () => state.ticks,
  });
  return { state, clock };
}

function headerAt(ms: number): string {
  return new Date(Math.floor((NOW.getTime() + ms) / 1_000) * 1_000).toUTCString();
}

describe("the clock of a server", () => {
  it.each([
    { name: "within the same second", date: "Sat, 21 Nov 2026 03:00:00 GMT", ms: 40, aheadMs: 0 },
    { name: "five minutes ahead", date: "Sat, 21 Nov 2026 03:05:00 GMT", ms: 40, aheadMs: 299_800 },
    { name: "a minute behind", date: "Sat, 21 Nov 2026 02:59:00 GMT", ms: 40, aheadMs: -59_160 },
    {
      name: "behind by less than the response took",
      date: "Sat, 21 Nov 2026 02:59:51 GMT",
      ms: 20_000,
      aheadMs: 0,
    },
  ])("is $name", ({ date, ms, aheadMs }) => {
    const { clock } = machine();
    clock.observe({ date, ms });
    expect(clock.aheadMs()).toBeCloseTo(aheadMs);
  });

  it("is unknown without a date that can be read, and is then taken for ours", () => {
    const { clock } = machine();
    clock.observe({ ms: 1 });
    clock.observe({ date: "tomorrow", ms: 1 });
    expect(clock.aheadMs()).toBeUndefined();
    expect(clock.now()).toEqual(NOW);
  });

  it("is known more exactly after more responses", () => {
    const { state, clock } = machine();
    const aheadMs = 7_350;
    for (let count = 0; count < 50; count++) {
      state.ticks += 137;
      clock.observe({ date: headerAt(state.ticks + aheadMs), ms: 10 });
    }
    expect(Math.abs((clock.aheadMs() ?? 0) - aheadMs)).toBeLessThan(50);
  });

  it("goes on as before when the clock of this machine is set", () => {
    const { state, clock } = machine();
    clock.observe({ date: headerAt(0), ms: 1 });
    state.setByMs = 3_600_000;
    state.ticks += 1_000;
    expect(clock.now().getTime() - NOW.getTime()).toBe(1_000);
  });

  it("follows a server whose clock is set", () => {
    const { state, clock } = machine();
    clock.observe({ date: headerAt(0), ms: 1 });
    state.ticks += 60_000;
    clock.observe({ date: headerAt(state.ticks + 600_000), ms: 1 });
    expect(Math.abs((clock.aheadMs() ?? 0) - 600_000)).toBeLessThan(1_100);
  });
});
