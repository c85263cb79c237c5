// Health of the agent: whether each loop has made progress within its timeout.

import type { Clock } from "../../base/clock.ts";
import { formatDuration } from "../../base/duration.ts";

/**
 * How long each loop may make no progress, in milliseconds. Polls come every 10 s, recovery sweeps every 15 s, bookmarks of
 * watches, states of all runs and checks of the queue every minute, heartbeats every 4 minutes.
 */
export const PROGRESS_TIMEOUT_MS = {
  poll: 60_000,
  recover: 120_000,
  jobs: 180_000,
  pods: 180_000,
  states: 180_000,
  supervise: 180_000,
  heartbeat: 600_000,
};
/** The agent's loops; each must make progress for the agent to be healthy. */
export type Loop = keyof typeof PROGRESS_TIMEOUT_MS;
export const LOOPS = Object.keys(PROGRESS_TIMEOUT_MS) as readonly Loop[];
/** The agent is not ready before each of these has made progress once. */
const REQUIRED_FOR_READINESS = ["poll", "jobs", "pods"] as const;

export class Health {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #last = new Map<Loop, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.ticks();
  }

  progress(loop: Loop): void {
    this.#last.set(loop, this.#clock.ticks());
  }

  /** Milliseconds since each loop last made progress, or since the start. */
  ages(): ReadonlyMap<Loop, number> {
    const now = this.#clock.ticks();
    return new Map(LOOPS.map((loop) => [loop, now - (this.#last.get(loop) ?? this.#startedAt)]));
  }

  /** What is wrong, in one line; undefined: nothing. */
  problem(): string | undefined {
    const stale = [...this.ages()].filter(([loop, age]) => age > PROGRESS_TIMEOUT_MS[loop]);
    if (stale.length === 0) return undefined;
    return stale.map(([loop, age]) => `${loop}: no progress for ${formatDuration(age)}`).join("; ");
  }

  /** Why the agent is not ready; undefined: it is. `problem`: what the agent itself says. */
  notReady(problem?: string): string | undefined {
    const missing = REQUIRED_FOR_READINESS.filter((loop) => !this.#last.has(loop));
    const early = missing.length === 0 ? undefined : `no progress yet: ${missing.join(", ")}`;
    return problem ?? this.problem() ?? early;
  }
}
