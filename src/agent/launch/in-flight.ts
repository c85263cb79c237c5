// launch: the flow runs that this process has in hand, from the poll that found them until their Job is seen.

import type { Clock } from "../../base/clock.ts";

const UNSEEN_MS = 10_000;

/** Which runs need no second look, and how many Jobs are on their way but not yet in the view. */
export class InFlight {
  readonly #clock: Clock;
  readonly #runs = new Set<string>();
  /** Created, but the watch has not shown them yet: they count for --limit. */
  readonly #unseen = new Map<string, number>();
  #drained: (() => void)[] = [];

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
    if (this.#runs.size === 0) for (const tell of this.#drained.splice(0)) tell();
  }

  /** A Job of the run was made; the watch has not shown it yet. */
  created(flowRunId: string): void {
    const now = this.#clock.now().getTime();
    // Oldest first; without --limit nobody else would ever forget them.
    for (const [id, until] of this.#unseen) {
      if (until >= now) break;
      this.#unseen.delete(id);
    }
    this.#unseen.set(flowRunId, now + UNSEEN_MS);
  }

  /** The watch told of the run: from now on the view counts its Job, or does not, because it is over or gone already. */
  seen(flowRunId: string): void {
    this.#unseen.delete(flowRunId);
  }

  /** Jobs made or about to be made which `isSeen` does not know yet. */
  unseen(isSeen: (flowRunId: string) => boolean): number {
    const now = this.#clock.now().getTime();
    for (const [id, until] of this.#unseen) if (until < now || isSeen(id)) this.#unseen.delete(id);
    const more = [...this.#runs].filter((id) => !this.#unseen.has(id) && !isSeen(id)).length;
    return this.#unseen.size + more;
  }

  /** Resolves when nothing is in hand. */
  drained(): Promise<void> {
    if (this.#runs.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }
}
