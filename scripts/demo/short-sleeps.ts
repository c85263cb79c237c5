// The agent's clock in the demo: what usually happens once a minute happens every few seconds, such as noticing a cancellation.
// Everything that sleeps checks its condition again when it wakes.

import type { Clock } from "../../src/base/clock.ts";

/** A clock whose sleeps take at most `longestMs`, which must exceed how far ahead a flow run is scheduled. */
export function shortSleeps(clock: Clock, longestMs: number): Clock {
  return {
    now: () => clock.now(),
    ticks: () => clock.ticks(),
    soon: (callback) => clock.soon(callback),
    random: () => clock.random(),
    sleep: (ms, signal) => clock.sleep(Math.min(ms, longestMs), signal),
  };
}
