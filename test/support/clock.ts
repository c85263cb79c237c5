// Clocks for tests.

import { systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";

/** Only the time of day and sleeping are left to say; ticks follow the time of day. */
export abstract class TestClock implements Clock {
  abstract now(): Date;
  abstract sleep(ms: number, signal?: AbortSignal): Promise<void>;

  ticks(): number {
    return this.now().getTime();
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  /** No jitter: the middle. */
  random(): number {
    return 0.5;
  }
}

/** A clock of its two functions; without `sleep`, sleeping takes no time. */
export function clockOf({ now, sleep = () => Promise.resolve() }: ClockFunctions): Clock {
  return new (class extends TestClock {
    now = now;
    sleep = sleep;
  })();
}

interface ClockFunctions {
  readonly now: () => Date;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** A clock on which waiting takes a fiftieth of its time; deadlines stay as they are. */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
};

/** A clock that is so many times as fast as the system's. */
export function fastClock(speed: number): Clock {
  const [startMs, startTicks] = [Date.now(), systemClock.ticks()];
  const ticks = (): number => (systemClock.ticks() - startTicks) * speed;
  return {
    ...systemClock,
    ticks,
    now: () => new Date(startMs + ticks()),
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
}
