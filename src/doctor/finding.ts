// Finding: the result of one of doctor's checks, as data.

import type { JsonObject } from "../base/json.ts";

/**
 * broken: an agent or a flow run does not work · warning: it works, but needs attention · skipped: it could not be
 * checked, or does not matter here.
 */
export type Status = "ok" | "warning" | "broken" | "skipped";

export const SECTIONS = [
  "configuration",
  "kubernetes",
  "permissions",
  "prefect",
  "flow runs",
  "leftovers",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Finding {
  readonly section: Section;
  /** What was checked, in a word or two: `server`, `launching flow runs`. */
  readonly check: string;
  readonly status: Status;
  /** One line. */
  readonly message: string;
  /** One thing to do about it. */
  readonly hint?: string | undefined;
  /** Further lines below the message. */
  readonly details?: readonly string[] | undefined;
  /** Whose permissions these are: `user "me"`, `ServiceAccount flows/prefect-agent`. */
  readonly subject?: string | undefined;
  /** For programs. */
  readonly data?: JsonObject | undefined;
}

/** The worst status; skipped findings do not count. */
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
export function firstOf(items: readonly string[], limit = 3): string {
  const shown = items.slice(0, limit).join(", ");
  return items.length > limit ? `${shown} and ${items.length - limit} more` : shown;
}
