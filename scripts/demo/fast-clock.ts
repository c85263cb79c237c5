// The agent's clock in the demo: its rounds that come once a minute come every few seconds, so that a watcher sees a
// cancellation noticed. Everything that sleeps looks again when it wakes.

import type { Clock } from "../../src/base/clock.ts";

/** The same time, but no sleep longer than `longestMs`. That must exceed how far ahead a flow run is scheduled. */
export function fastClock(clock: Clock, longestMs: number): Clock {
  return { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(Math.min(ms, longestMs), signal) };
}
