import { describe, expect, it } from "vitest";
import { PauseDetector } from "../../src/base/pause-detector.ts";
import { systemClock } from "../../src/base/clock.ts";

function detector(): { pause: PauseDetector; pass: (how: { ticksMs: number; timeMs: number }) => void } {
  let [ticks, time] = [0, 0];
  const pause = new PauseDetector({ ...systemClock, ticks: () => ticks, now: () => new Date(time) });
  const pass = ({ ticksMs, timeMs }: { ticksMs: number; timeMs: number }): void => {
    ticks += ticksMs;
    time += timeMs;
  };
  return { pause, pass };
}

describe("PauseDetector", () => {
  it.each([
    ["by a signal", { ticksMs: 60_000, timeMs: 60_000 }],
    ["with its machine, whose ticks stood still, too", { ticksMs: 500, timeMs: 7_200_000 }],
    ["while the time of day was set back", { ticksMs: 60_000, timeMs: -3_600_000 }],
  ])("counts once that the process was stopped %s", (_, stopped) => {
    const { pause, pass } = detector();
    pass(stopped);
    expect([pause.pauses, pause.pauses]).toEqual([1, 1]);
  });

  it("counts nothing while the process goes on, whatever becomes of the time of day", () => {
    const { pause, pass } = detector();
    pass({ ticksMs: 4_000, timeMs: 4_000 });
    pass({ ticksMs: 500, timeMs: -3_600_000 });
    expect(pause.pauses).toBe(0);
  });
});
