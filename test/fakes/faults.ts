// Failing on purpose: requests that are refused, cut, delayed or left hanging. How a refusal looks is each fake's own.

import { setMaxListeners } from "node:events";

/** What goes wrong on the way. `before`: nothing has happened; `after`: it has, and nobody is told. */
export type ConnectionEffect =
  | { readonly kind: "cut" | "hang"; readonly when: "before" | "after" }
  | { readonly kind: "delay"; readonly ms: number };

/** What goes wrong, and at which requests. */
export interface Fault<Request, Effect> {
  readonly effect: Effect;
  /** Which requests count; all without it. */
  readonly match?: (request: Request) => boolean;
  /** Strikes at the nth of them, counted from 1, from when the fault was added. */
  readonly nth?: number;
  /** How many in a row it strikes; 1 without it, Infinity until it is removed. */
  readonly times?: number;
}

/** A fault that was switched on. */
export interface FaultSwitch {
  /** How often it struck. */
  hits(): number;
  remove(): void;
}

interface Armed<Request, Effect> {
  readonly fault: Fault<Request, Effect>;
  seen: number;
  hits: number;
}

/** The faults that are switched on. */
export class Faults<Request, Effect> {
  readonly #armed = new Set<Armed<Request, Effect>>();
  #release = newRelease();

  add(fault: Fault<Request, Effect>): FaultSwitch {
    const armed = { fault, seen: 0, hits: 0 };
    this.#armed.add(armed);
    return { hits: () => armed.hits, remove: () => void this.#armed.delete(armed) };
  }

  /** Removes all faults, and lets go of the requests that hang or wait. */
  clear(): void {
    this.#armed.clear();
    this.#release.abort();
    this.#release = newRelease();
  }

  /** Aborts when requests that hang are let go. */
  get released(): AbortSignal {
    return this.#release.signal;
  }

  /** What strikes this request; every fault that matches counts it. */
  strike(request: Request): Effect[] {
    const effects: Effect[] = [];
    for (const armed of this.#armed) {
      const { effect, match, nth = 1, times = 1 } = armed.fault;
      if (match !== undefined && !match(request)) continue;
      armed.seen++;
      if (armed.seen < nth || armed.seen >= nth + times) continue;
      armed.hits++;
      effects.push(effect);
    }
    return effects;
  }
}

function newRelease(): AbortController {
  const release = new AbortController();
  // One listener for each request that hangs, and a test may hang many.
  setMaxListeners(0, release.signal);
  return release;
}
