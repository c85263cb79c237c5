// The flow runs that this process is submitting, those whose Job waits to be created, and created Jobs that the watch has
// not delivered yet.

import type { Clock } from "../../base/clock.ts";

export class InFlight {
  readonly #clock: Pick<Clock, "ticks">;
  readonly #runs = new Set<string>();
  /** Claimed runs whose Job Kubernetes does not take now. */
  readonly waiting = new Set<string>();
  /** Runs whose created Job the watch has not delivered yet, and the tick at which it was created. */
  readonly #unseen = new Map<string, number>();
  /** Of the runs that are being submitted, those with a Job that the watch has delivered. */
  readonly #seen = new Set<string>();
  /** Runs that earlier processes of this agent claimed, and that have no Job; undefined: not known yet. */
  leftBehind: Set<string> | undefined;
  #onDrained: (() => void)[] = [];

  constructor(clock: Pick<Clock, "ticks">) {
    this.#clock = clock;
  }

  /** Whether this process submits the run, or holds its claim until Kubernetes takes its Job. */
  has(flowRunId: string): boolean {
    return this.#runs.has(flowRunId) || this.waiting.has(flowRunId);
  }

  /** The number of runs that are being submitted; those that wait are left to the next process at the end. */
  get size(): number {
    return this.#runs.size;
  }

  add(flowRunId: string): void {
    this.#runs.add(flowRunId);
  }

  remove(flowRunId: string): void {
    this.#runs.delete(flowRunId);
    this.#seen.delete(flowRunId);
    if (this.#runs.size === 0) for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  /** Call when a Job of the run was created. The watch may have delivered it, and its end, before the answer came. */
  created(flowRunId: string): void {
    if (!this.#seen.has(flowRunId)) this.#unseen.set(flowRunId, this.#clock.ticks());
  }

  /** Call when the watch has delivered the run's Job: from now on the cluster view counts it. */
  seen(flowRunId: string): void {
    this.#unseen.delete(flowRunId);
    if (this.#runs.has(flowRunId)) this.#seen.add(flowRunId);
  }

  /**
   * The number of Jobs, created or about to be, that the cluster view does not count yet. A Job that a list from the tick
   * `listedAtMs` has not found is deleted; until then the watch may only be late.
   */
  uncounted(isSeen: (flowRunId: string) => boolean, listedAtMs: number): number {
    for (const [id, at] of this.#unseen) if (at < listedAtMs || isSeen(id)) this.#unseen.delete(id);
    const claimed = new Set([...this.#runs, ...this.waiting]);
    return this.#unseen.size + [...claimed].filter((id) => !this.#unseen.has(id) && !isSeen(id)).length;
  }

  drained(): Promise<void> {
    if (this.#runs.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }
}
