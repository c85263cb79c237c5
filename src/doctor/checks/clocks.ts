// Clocks: what time the other side has, by the Date header of its answers. Tokens, due times and heartbeats are judged by it.

import { formatDuration } from "../../base/duration.ts";
import type { Finding, Section } from "../finding.ts";

/** How far another clock is ahead of ours, and how sure that is; both in milliseconds. */
export interface ClockReading {
  readonly aheadMs: number;
  readonly plusMinusMs: number;
}

/** What a Date header message that came `roundTripMs` after its request; undefined without a readable one. */
export function readClock(
  date: string | undefined,
  answered: { readonly at: Date; readonly roundTripMs: number },
): ClockReading | undefined {
  // The header has whole seconds, so the moment lies within the second that begins there.
  const there = Date.parse(date ?? "") + 500;
  if (Number.isNaN(there)) return undefined;
  const half = answered.roundTripMs / 2;
  return { aheadMs: there - (answered.at.getTime() - half), plusMinusMs: 500 + half };
}

/** The one that is more certain. */
export function better(
  one: ClockReading | undefined,
  other: ClockReading | undefined,
): ClockReading | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.plusMinusMs < one.plusMinusMs ? other : one;
}

/** Below this nothing that we do turns on it; agents ask for runs ten seconds ahead. */
const TOLERATED_MS = 5_000;

/** What is to be said of it; nothing without a reading. */
export function clockFindings(
  about: { readonly section: Section; readonly check: string; readonly whose: string },
  reading: ClockReading | undefined,
): readonly Finding[] {
  if (reading === undefined) return [];
  const { section, check, whose } = about;
  const { aheadMs, plusMinusMs } = reading;
  const data = { aheadSeconds: Math.round(aheadMs / 1_000) };
  if (Math.abs(aheadMs) - plusMinusMs <= TOLERATED_MS) {
    return [{ section, check, status: "ok", message: `agrees with ${whose}`, data }];
  }
  const apart = formatDuration(Math.abs(aheadMs));
  const direction = aheadMs > 0 ? "behind" : "ahead of";
  return [
    {
      section,
      check,
      status: "warning",
      message: `this machine's clock is ${apart} ${direction} ${whose}`,
      hint: "set the clock that is wrong, with NTP: tokens, start times and heartbeats are judged by it",
      data,
    },
  ];
}
