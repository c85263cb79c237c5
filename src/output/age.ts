// Ages as kubectl prints them: 59s, 5m12s, 3h, 3d4h.

import { formatDuration } from "../base/duration.ts";

const DAYS_MS = 86_400_000;
const EIGHT_YEARS_MS = 8 * 365 * DAYS_MS;

/**
 * The time from a moment to now, after apimachinery's duration.HumanDuration. `<unknown>` without a moment; a
 * moment up to 2 s ahead is 0s, because clocks differ, and one further ahead `<invalid>`.
 */
export function age(then: Date | string | null | undefined, now: Date): string {
  if (then === undefined || then === null) return "<unknown>";
  const seconds = Math.trunc((now.getTime() - new Date(then).getTime()) / 1_000);
  if (Number.isNaN(seconds)) return "<unknown>";
  if (seconds < -1) return "<invalid>";
  const ms = Math.max(0, seconds) * 1_000;
  // From eight years on kubectl prints only years.
  return ms < EIGHT_YEARS_MS ? formatDuration(ms) : `${Math.floor(ms / (365 * DAYS_MS))}y`;
}
