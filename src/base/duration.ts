// Durations such as 500ms, 30s, 10m, 1h or 2h30m; a bare number means seconds.

import { SettingsError } from "./errors.ts";

const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };
/** A hundred years: so long before now, a date is still one that an API reads. */
const LONGEST_MS = 36_500 * DAY_MS;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** The duration in milliseconds. Throws SettingsError that names the flag; `or` is what else could be written. */
export function parseDuration(text: string, flag: string, or = ""): number {
  const trimmed = text.trim();
  const wrong = (problem: string, hint: string) =>
    new SettingsError(`cannot read ${flag} "${text}": ${problem}`, { hint });
  const withUnit = /^\d+(?:\.\d+)?$/.test(trimmed) ? `${trimmed}s` : trimmed;
  if (!WHOLE.test(withUnit)) throw wrong("not a duration", `write it like 500ms, 30s, 10m, 1h or 2h30m${or}`);
  let ms = 0;
  for (const [, amount, unit] of withUnit.matchAll(PART)) ms += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  if (ms > LONGEST_MS) throw wrong("too long", `use at most ${LONGEST_MS / DAY_MS}d`);
  return ms;
}

/** A duration in kubectl's short form, at most two units: 59s, 5m12s, 3h, 3d4h. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (ms > 0 && seconds === 0) return `${Math.round(ms)}ms`;
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return withRest(`${minutes}m`, seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return withRest(`${hours}h`, minutes % 60, "m");
  const days = Math.floor(hours / 24);
  if (hours < 48) return `${hours}h`;
  if (days < 8) return withRest(`${days}d`, hours % 24, "h");
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? withRest(`${years}y`, days % 365, "d") : `${years}y`;
}

/** In whole seconds; `0s` if it is negative, since clocks differ. */
export function formatAge(ms: number): string {
  return formatDuration(Math.max(0, Math.floor(ms / 1_000)) * 1_000);
}

/** The time from one moment to another, as an age. */
export function timeBetween(from: Date, to: Date): string {
  return formatAge(to.getTime() - from.getTime());
}

function withRest(main: string, rest: number, unit: string): string {
  return rest === 0 ? main : `${main}${rest}${unit}`;
}
