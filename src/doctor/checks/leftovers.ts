// Leftovers: what cleanup would remove now, by cleanup's own plan.

import { countsText, OLDER_THAN_MS } from "../../cleanup/item.ts";
import { planCleanup } from "../../cleanup/plan.ts";
import { checkOf, firstOf, kubectl } from "../finding.ts";

const { check, ok, skipped, warning } = checkOf({ section: "leftovers", check: "leftovers" });
const OPTIONS = { olderThanMs: OLDER_THAN_MS, jobs: true, dask: true, orphansOnly: false, runs: undefined };

export const leftovers = check(async ({ kubernetes, inventory: load, now }) => {
  const [inventory, { namespace }] = await Promise.all([load(), kubernetes.cluster()]);
  const { warnings } = inventory;
  const unread = warnings.length > 0 ? [skipped("not all could be read", { details: warnings })] : [];
  if (inventory.forbidden?.has("jobs") === true) return unread;
  const { items } = planCleanup(inventory, OPTIONS, now());
  if (items.length === 0) return [ok("cleanup has nothing to remove"), ...unread];
  const found = warning(`cleanup would remove ${countsText(items)}`, {
    details: [firstOf(items.map(({ ref, message }) => `${ref.name} (${message})`))],
    hint: "see what and why, or remove it",
    look: kubectl("prefect cleanup --dry-run", namespace),
    // Asks before it removes anything.
    fix: [kubectl("prefect cleanup", namespace)],
  });
  return [found, ...unread];
});
