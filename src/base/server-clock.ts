// The time at a server, for comparisons with times that it wrote: this machine's clock may be wrong, or be set while we run.

import type { Clock } from "./clock.ts";

/** How much two clocks may drift apart, in milliseconds per millisecond. */
const DRIFT = 0.000_2;
/** A Date header has whole seconds. */
const HEADER_MS = 1_000;

/** No request takes so long. */
const JUMP_MS = 60_000;

/** Asks with the server's time. Before its first answer that is this machine's: if it was wrong, it is asked again. */
export async function byServersTime<T>(
  clock: Pick<Clock, "now">,
  ask: (now: Date) => Promise<T>,
): Promise<T> {
  const now = clock.now();
  const answer = await ask(now);
  const then = clock.now();
  return Math.abs(then.getTime() - now.getTime()) < JUMP_MS ? answer : ask(then);
}

interface SeenResponse {
  readonly date?: string | undefined;
  readonly ms: number;
}

/** A server's clock by the Date headers of its responses. Before the first one, it shows this machine's time. */
export class ServerClock {
  readonly #clock: Pick<Clock, "now" | "ticks">;
  /** This machine's time at tick 0: with it, ticks become times of day that never jump. */
  readonly #startMs: number;
  /** How far the server is ahead of this machine, in milliseconds: at least and at most. */
  #ahead: { readonly least: number; readonly most: number; readonly atMs: number } | undefined;

  constructor(clock: Pick<Clock, "now" | "ticks">) {
    this.#clock = clock;
    this.#startMs = clock.now().getTime() - clock.ticks();
  }

  /** Takes the Date header of a response that has just arrived, `ms` milliseconds after its request was sent. */
  readonly observe = ({ date, ms }: SeenResponse): void => {
    const headerMs = Date.parse(date ?? "");
    if (Number.isNaN(headerMs)) return;
    const nowMs = this.#ownMs();
    const seen = { least: headerMs - nowMs, most: headerMs + HEADER_MS - (nowMs - ms), atMs: nowMs };
    const known = this.#ahead;
    const drift = known === undefined ? 0 : (nowMs - known.atMs) * DRIFT;
    const least = Math.max(seen.least, (known?.least ?? -Infinity) - drift);
    const most = Math.min(seen.most, (known?.most ?? Infinity) + drift);
    // No time fits both: one of the clocks was set, so only the new one counts.
    this.#ahead = least <= most ? { least, most, atMs: nowMs } : seen;
  };

  /** How far the server is ahead of this machine, at least; undefined before the first response. */
  aheadMs(): number | undefined {
    return this.#ahead && Math.min(Math.max(0, this.#ahead.least), this.#ahead.most);
  }

  /** The server's time now. Within the uncertainty of its headers, this machine's own. */
  now(): Date {
    return new Date(this.#ownMs() + (this.aheadMs() ?? 0));
  }

  #ownMs(): number {
    return this.#startMs + this.#clock.ticks();
  }
}
