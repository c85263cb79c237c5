// Clocks: the time of the other side, by the Date header of its responses. Tokens, due times and heartbeats depend on it.

import { formatDuration } from "../../base/duration.ts";
import type { Finding, Section } from "../finding.ts";

/** How far another clock is ahead of ours, and the uncertainty. */
export interface ClockReading {
  readonly aheadMs: number;
  readonly plusMinusMs: number;
}

/** Reads a Date header that arrived `roundTripMs` after its request; undefined if it cannot be parsed. */
export function readClock(
  date: string | undefined,
  answered: { readonly at: Date; readonly roundTripMs: number },
): ClockReading | undefined {
  // The header has whole seconds: take the middle of that second.
  const there = Date.parse(date ?? "") + 500;
  if (Number.isNaN(there)) return undefined;
  const half = answered.roundTripMs / 2;
  return { aheadMs: there - (answered.at.getTime() - half), plusMinusMs: 500 + half };
}

export function moreCertain(
  one: ClockReading | undefined,
  other: ClockReading | undefined,
): ClockReading | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.plusMinusMs < one.plusMinusMs ? other : one;
}

/** A smaller difference has no effect: agents ask for runs ten seconds ahead. */
const TOLERATED_MS = 5_000;

/** One finding; none without a reading. */
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
      hint: "correct the wrong clock, with NTP: tokens, start times and heartbeats depend on it",
      data,
    },
  ];
}
