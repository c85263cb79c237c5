// Leftovers: what cleanup would remove just now, by cleanup's own plan; nothing is removed here.

import { planCleanup } from "../../cleanup/plan.ts";
import { tally } from "../../cleanup/counts.ts";
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
  const gaps = gapsOf(inventory).map((says): Finding => ({
    ...about,
    check: "not seen",
    status: "skipped",
    says,
  }));
  if (inventory.unseen?.includes("jobs") === true) return gaps;
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
    return [{ ...about, status: "ok", says: "nothing that cleanup would remove" }, ...gaps];
  return [
    {
      ...about,
      status: "warning",
      says: `cleanup would remove ${tally(items)}`,
      hint: `see what and why: kubectl prefect cleanup --dry-run -n ${namespace}`,
      details: [firstOf(items.map(({ ref, why }) => `${ref.name} (${why})`))],
      data: { objects: items.map(({ resource, ref, why }) => ({ resource, ...ref, why })) },
    },
    ...gaps,
  ];
}

/** What this user may not list, in one line; and what Prefect did not tell. */
function gapsOf({ gaps, unseen = [] }: Inventory): readonly string[] {
  const others = gaps.filter((gap) => !unseen.some((resource) => gap.startsWith(`cannot list ${resource} `)));
  return [...(unseen.length === 0 ? [] : [`not allowed to list ${unseen.join(", ")}`]), ...others];
}
