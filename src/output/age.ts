// Ages as kubectl prints them: 59s, 5m12s, 3h, 3d4h.

import { formatDuration } from "../base/duration.ts";

/**
 * The time from a moment to now, after apimachinery's duration.HumanDuration. `<unknown>` without a moment; a
 * moment up to 2 s ahead is 0s, because clocks differ, and one further ahead `<invalid>`.
 */
export function age(then: Date | string | null | undefined, now: Date): string {
  if (then === undefined || then === null) return "<unknown>";
  const seconds = Math.trunc((now.getTime() - new Date(then).getTime()) / 1_000);
  if (Number.isNaN(seconds)) return "<unknown>";
  if (seconds < -1) return "<invalid>";
  return formatDuration(Math.max(0, seconds) * 1_000);
}
