// Finding: what doctor message of one thing that it looked at, as data.

import type { JsonObject } from "../base/json.ts";

/**
 * broken: an agent, or somebody's flow run, does not work · warning: it works, and somebody should look · skipped: could
 * not be looked at, or does not matter here.
 */
export type Status = "ok" | "warning" | "broken" | "skipped";

export const SECTIONS = [
  "configuration",
  "kubernetes",
  "rights",
  "prefect",
  "flow runs",
  "leftovers",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Finding {
  readonly section: Section;
  /** What was looked at, in a word or two: `server`, `launching flow runs`. */
  readonly check: string;
  readonly status: Status;
  /** One line. */
  readonly message: string;
  /** One thing to do, where the status asks for it. */
  readonly hint?: string | undefined;
  /** Lines that belong under it. */
  readonly details?: readonly string[] | undefined;
  /** Whose rights these are: `user "me"`, `ServiceAccount flows/prefect-agent`. */
  readonly subject?: string | undefined;
  /** What programs want to know of it beyond the words. */
  readonly data?: JsonObject | undefined;
}

/** The worst status of all; skipped things do not count. */
export function worst(findings: readonly Finding[]): "ok" | "warning" | "broken" {
  const has = (status: Status): boolean => findings.some((finding) => finding.status === status);
  if (has("broken")) return "broken";
  return has("warning") ? "warning" : "ok";
}

/** `3 Jobs`, `1 Job`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** The first few of a list, and how many more there are: `a, b, c and 4 more`. */
export function firstOf(items: readonly string[], most = 3): string {
  const shown = items.slice(0, most).join(", ");
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
