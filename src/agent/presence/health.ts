// Health is progress: each loop's last success, against how long it may take.

import type { Clock } from "../../base/clock.ts";
import { formatDuration } from "../../base/duration.ts";
import type { Meter } from "./meter.ts";

type Loop = Parameters<Meter["progress"]>[0];

/** A poll comes every 10 s, a bookmark every minute, a round of states every minute. */
const BOUNDS_MS: Readonly<Record<Loop, number>> = { poll: 60_000, watch: 180_000, reconcile: 180_000 };

/** Remembers when each loop got something done last. */
export class Health {
  readonly #clock: Clock;
  readonly #last = new Map<Loop, Date>();

  constructor(clock: Clock) {
    this.#clock = clock;
    const born = clock.now();
    for (const loop of Object.keys(BOUNDS_MS) as Loop[]) this.#last.set(loop, born);
  }

  progress(loop: Loop): void {
    this.#last.set(loop, this.#clock.now());
  }

  /** Milliseconds since each loop's last progress. */
  ages(): ReadonlyMap<Loop, number> {
    const now = this.#clock.now().getTime();
    return new Map([...this.#last].map(([loop, at]) => [loop, now - at.getTime()]));
  }

  /** What is wrong, in one line, or undefined. */
  problem(): string | undefined {
    const stale = [...this.ages()].filter(([loop, age]) => age > BOUNDS_MS[loop]);
    if (stale.length === 0) return undefined;
    return stale.map(([loop, age]) => `no progress of ${loop} for ${formatDuration(age)}`).join("; ");
  }
}
