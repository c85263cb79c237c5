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
  readonly #born: Date;
  readonly #last = new Map<Loop, Date>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#born = clock.now();
  }

  progress(loop: Loop): void {
    this.#last.set(loop, this.#clock.now());
  }

  /** Milliseconds since each loop's last progress, or since the start. */
  ages(): ReadonlyMap<Loop, number> {
    const now = this.#clock.now().getTime();
    const loops = Object.keys(BOUNDS_MS) as Loop[];
    return new Map(loops.map((loop) => [loop, now - (this.#last.get(loop) ?? this.#born).getTime()]));
  }

  /** What is wrong, in one line, or undefined. */
  problem(): string | undefined {
    const stale = [...this.ages()].filter(([loop, age]) => age > BOUNDS_MS[loop]);
    if (stale.length === 0) return undefined;
    return stale.map(([loop, age]) => `no progress of ${loop} for ${formatDuration(age)}`).join("; ");
  }

  /** What keeps the agent from being ready: a problem, or a poll or watch that has not succeeded yet. */
  notReady(): string | undefined {
    const first = (["poll", "watch"] as const).filter((loop) => !this.#last.has(loop));
    return (
      this.problem() ?? (first.length === 0 ? undefined : `no ${first.join(" and no ")} has succeeded yet`)
    );
  }
}
