// Health is progress: each loop's last success, against how long it may take.

import type { Clock } from "../../base/clock.ts";
import { formatDuration } from "../../base/duration.ts";
import { LOOPS } from "./progress.ts";
import type { Loop } from "./progress.ts";

/**
 * After how many milliseconds a loop counts as dead: a poll comes every 10 s, a look for unfinished submissions every
 * 15 s, a bookmark of each watch, the states of all runs and a look at the queue every minute, heartbeats every 4 minutes.
 */
export const BOUNDS_MS: Readonly<Record<Loop, number>> = {
  poll: 60_000,
  recover: 120_000,
  jobs: 180_000,
  pods: 180_000,
  states: 180_000,
  supervise: 180_000,
  heartbeat: 600_000,
};
/** Without these nothing has begun yet. */
const FIRST = ["poll", "jobs", "pods"] as const;

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
    return new Map(LOOPS.map((loop) => [loop, now - (this.#last.get(loop) ?? this.#born).getTime()]));
  }

  /** What is wrong, in one line, or undefined. */
  problem(): string | undefined {
    const stale = [...this.ages()].filter(([loop, age]) => age > BOUNDS_MS[loop]);
    if (stale.length === 0) return undefined;
    return stale.map(([loop, age]) => `no progress of ${loop} for ${formatDuration(age)}`).join("; ");
  }

  /** What keeps the agent from being ready: a problem, or what has not succeeded for a first time yet. */
  notReady(): string | undefined {
    const missing = FIRST.filter((loop) => !this.#last.has(loop));
    return this.problem() ?? (missing.length === 0 ? undefined : `nothing yet of ${missing.join(", ")}`);
  }
}
