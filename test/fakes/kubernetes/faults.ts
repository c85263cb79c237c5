// Failing on purpose: the nth matching request is refused, cut, delayed or left hanging.

import { setMaxListeners } from "node:events";
import type { RequestRecord } from "./request-log.ts";

/** What goes wrong. `before`: nothing has happened; `after`: it has, and nobody is told. */
export type FaultAction =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly retryAfterSeconds?: number;
      readonly message?: string;
    }
  | { readonly kind: "cut"; readonly when: "before" | "after" }
  | { readonly kind: "hang"; readonly when: "before" | "after" }
  | { readonly kind: "delay"; readonly ms: number };

/** A fault, and which requests it strikes. */
export interface Fault {
  readonly action: FaultAction;
  /** Which requests count; all without it. */
  readonly match?: (request: RequestRecord) => boolean;
  /** Strikes at the nth of them, counted from 1, from when the fault was added. */
  readonly nth?: number;
  /** How many in a row it strikes; 1 without it, Infinity for all. */
  readonly times?: number;
}

interface Armed {
  readonly fault: Fault;
  seen: number;
}

/** The faults that wait for their requests. */
export class Faults {
  readonly #armed = new Set<Armed>();
  #release = newRelease();

  /** Arms a fault; the answer disarms it, and tells whether it still waited. */
  add(fault: Fault): () => boolean {
    const armed = { fault, seen: 0 };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  /** Disarms all faults, and cuts the connections of requests that hang. */
  clear(): void {
    this.#armed.clear();
    this.#release.abort();
    this.#release = newRelease();
  }

  /** Aborts when requests that hang are let go. */
  get released(): AbortSignal {
    return this.#release.signal;
  }

  /** What strikes this request, if anything. Every armed fault counts it. */
  strike(request: RequestRecord): FaultAction | undefined {
    let action: FaultAction | undefined;
    for (const armed of this.#armed) {
      const { match, nth = 1, times = 1 } = armed.fault;
      if (match !== undefined && !match(request)) continue;
      armed.seen++;
      if (armed.seen < nth) continue;
      if (armed.seen >= nth + times - 1) this.#armed.delete(armed);
      action ??= armed.fault.action;
    }
    return action;
  }
}

function newRelease(): AbortController {
  const release = new AbortController();
  // One listener for each request that hangs, and a test may hang many.
  setMaxListeners(0, release.signal);
  return release;
}
