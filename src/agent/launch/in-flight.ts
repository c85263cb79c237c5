// The flow runs that this process is submitting, from the poll that found them until the watch shows their Job.

import type { Clock } from "../../base/clock.ts";

/** How long a created Job counts although no watch has shown it. */
const UNSEEN_MS = 10_000;

export class InFlight {
  readonly #clock: Clock;
  readonly #runs = new Set<string>();
  /** Created, but not yet shown by the watch: they count for --limit. */
  readonly #unseen = new Map<string, number>();
  #onDrained: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(flowRunId: string): boolean {
    return this.#runs.has(flowRunId);
  }

  get size(): number {
    return this.#runs.size;
  }

  add(flowRunId: string): void {
    this.#runs.add(flowRunId);
  }

  remove(flowRunId: string): void {
    this.#runs.delete(flowRunId);
    if (this.#runs.size === 0) for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  /** A Job of the run was created; the watch has not shown it yet. */
  created(flowRunId: string): void {
    const now = this.#clock.now().getTime();
    // Oldest first; without --limit nobody else would ever forget them.
    for (const [id, until] of this.#unseen) {
      if (until >= now) break;
      this.#unseen.delete(id);
    }
    this.#unseen.set(flowRunId, now + UNSEEN_MS);
  }

  /** The watch has shown the run: from now on the cluster view counts its Job. */
  seen(flowRunId: string): void {
    this.#unseen.delete(flowRunId);
  }

  /** How many Jobs were created, or are about to be, that the cluster view does not count yet. */
  uncounted(isSeen: (flowRunId: string) => boolean): number {
    const now = this.#clock.now().getTime();
    for (const [id, until] of this.#unseen) if (until < now || isSeen(id)) this.#unseen.delete(id);
    const more = [...this.#runs].filter((id) => !this.#unseen.has(id) && !isSeen(id)).length;
    return this.#unseen.size + more;
  }

  /** Resolves when nothing is in flight. */
  drained(): Promise<void> {
    if (this.#runs.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }
}
