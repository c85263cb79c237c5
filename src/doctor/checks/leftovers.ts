// Leftovers: what cleanup would remove now, by cleanup's own plan.

import { planCleanup } from "../../cleanup/plan.ts";
import { countsText } from "../../cleanup/counts.ts";
import { OLDER_THAN_MS } from "../../cleanup/older-than.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import type { Finding } from "../finding.ts";
import { firstOf } from "../finding.ts";

const SECTION = "leftovers";

export interface LeftoverContext {
  readonly apis: readonly string[];
  readonly namespace: string;
  readonly now: Date;
}

/** What cleanup would remove, and what could not be read. */
export function leftoverFindings(inventory: Inventory, context: LeftoverContext): readonly Finding[] {
  const about = { section: SECTION, check: "leftovers" } as const;
  const warnings = warningsOf(inventory).map((message): Finding => ({
    ...about,
    check: "not checked",
    status: "skipped",
    message,
  }));
  if (inventory.forbidden?.includes("jobs") === true) return warnings;
  const { apis, namespace, now } = context;
  const options = {
    olderThanMs: OLDER_THAN_MS,
    jobs: true,
    dask: true,
    orphansOnly: false,
    runs: undefined,
    apis,
  };
  const { items } = planCleanup(inventory, options, now);
  if (items.length === 0)
    return [{ ...about, status: "ok", message: "cleanup has nothing to remove" }, ...warnings];
  return [
    {
      ...about,
      status: "warning",
      message: `cleanup would remove ${countsText(items)}`,
      hint: `list them with reasons: kubectl prefect cleanup --dry-run -n ${namespace}`,
      details: [firstOf(items.map(({ ref, message }) => `${ref.name} (${message})`))],
      data: { objects: items.map(({ resource, ref, message }) => ({ resource, ...ref, message })) },
    },
    ...warnings,
  ];
}

/** What the user may not list, in one line, and other warnings. */
function warningsOf({ warnings, forbidden = [] }: Inventory): readonly string[] {
  const others = warnings.filter(
    (warning) => !forbidden.some((resource) => warning.startsWith(`cannot list ${resource} `)),
  );
  return [...(forbidden.length === 0 ? [] : [`no permission to list ${forbidden.join(", ")}`]), ...others];
}
