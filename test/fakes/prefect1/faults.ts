// Fault switches: what goes wrong at which request. A fault is consulted once per matching request, in order of arrival.

import type { ApiCall } from "./api-call.ts";

/** What goes wrong. */
export type FaultEffect =
  /** An HTTP status in place of the answer; nothing is done. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string; readonly body?: string }
  /** HTTP 200 with the error code API_ERROR; nothing is done. */
  | { readonly kind: "api-error" }
  /** HTTP 200 with HTML; nothing is done. */
  | { readonly kind: "not-json" }
  /** GraphQL errors of the caller's choice, HTTP 200; nothing is done. */
  | { readonly kind: "errors"; readonly message: string; readonly code?: string }
  /** The connection ends without a reply. */
  | { readonly kind: "cut"; readonly when: "before" | "after" }
  /** The connection stays open without a reply. */
  | { readonly kind: "hang"; readonly when: "before" | "after" }
  /** The request waits before anything is done. */
  | { readonly kind: "delay"; readonly ms: number };

/** What goes wrong, and when. */
export interface Fault {
  readonly effect: FaultEffect;
  /** Which requests: a root field's name, or a test of the call. Default: all. */
  readonly match?: string | ((call: ApiCall) => boolean);
  /** The first matching request that is hit, from 1. Default 1. */
  readonly nth?: number;
  /** How many in a row are hit from then on. Default 1; Infinity until removed. */
  readonly times?: number;
}

/** A fault that was switched on. */
export interface FaultSwitch {
  /** How often it struck. */
  hits(): number;
  remove(): void;
}

interface Armed {
  readonly fault: Fault;
  seen: number;
  hits: number;
}

/** The faults that are switched on. */
export class Faults {
  readonly #armed = new Set<Armed>();

  add(fault: Fault): FaultSwitch {
    const armed: Armed = { fault, seen: 0, hits: 0 };
    this.#armed.add(armed);
    return {
      hits: () => armed.hits,
      remove: () => {
        this.#armed.delete(armed);
      },
    };
  }

  clear(): void {
    this.#armed.clear();
  }

  /** What strikes this call; every fault that matches counts it. */
  strike(call: ApiCall): FaultEffect[] {
    const effects: FaultEffect[] = [];
    for (const armed of this.#armed) {
      if (!matches(armed.fault.match, call)) continue;
      armed.seen += 1;
      const first = armed.fault.nth ?? 1;
      if (armed.seen < first || armed.seen >= first + (armed.fault.times ?? 1)) continue;
      armed.hits += 1;
      effects.push(armed.fault.effect);
    }
    return effects;
  }
}

function matches(match: Fault["match"], call: ApiCall): boolean {
  if (match === undefined) return true;
  return typeof match === "string" ? call.fields.includes(match) : match(call);
}
