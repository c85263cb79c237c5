// Leftovers: what cleanup would remove just now, by cleanup's own plan; nothing is removed here.

import { planCleanup } from "../../cleanup/plan.ts";
import { countsText } from "../../cleanup/counts.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import type { Finding } from "../finding.ts";
import { firstOf } from "../finding.ts";

const SECTION = "leftovers";
/** What cleanup waits for when it is not told otherwise. */
const OLDER_THAN_MS = 600_000;

/** What is asked of the plan: which APIs told the states, and where we are. */
export interface LeftoverContext {
  readonly apis: readonly string[];
  readonly namespace: string;
  readonly now: Date;
}

/** What would go, and what could not be told. */
export function leftoverFindings(inventory: Inventory, context: LeftoverContext): readonly Finding[] {
  const about = { section: SECTION, check: "leftovers" } as const;
  const warnings = gapsOf(inventory).map((message): Finding => ({
    ...about,
    check: "not seen",
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
    return [{ ...about, status: "ok", message: "nothing that cleanup would remove" }, ...warnings];
  return [
    {
      ...about,
      status: "warning",
      message: `cleanup would remove ${countsText(items)}`,
      hint: `see what and why: kubectl prefect cleanup --dry-run -n ${namespace}`,
      details: [firstOf(items.map(({ ref, message: why }) => `${ref.name} (${why})`))],
      data: { objects: items.map(({ resource, ref, message: why }) => ({ resource, ...ref, why })) },
    },
    ...warnings,
  ];
}

/** What this user may not list, in one line; and what Prefect did not tell. */
function gapsOf({ warnings, forbidden: unseen = [] }: Inventory): readonly string[] {
  const others = warnings.filter(
    (gap) => !unseen.some((resource) => gap.startsWith(`cannot list ${resource} `)),
  );
  return [...(unseen.length === 0 ? [] : [`not allowed to list ${unseen.join(", ")}`]), ...others];
}
