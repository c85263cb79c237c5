// Leftovers: what cleanup would remove now, by cleanup's own plan.

import { countsText } from "../../cleanup/counts.ts";
import { OLDER_THAN_MS } from "../../cleanup/older-than.ts";
import { planCleanup } from "../../cleanup/plan.ts";
import { check } from "../check.ts";
import { firstOf, ok, skipped, warning } from "../finding.ts";

const ABOUT = { section: "leftovers", check: "leftovers" } as const;
const OPTIONS = { olderThanMs: OLDER_THAN_MS, jobs: true, dask: true, orphansOnly: false, runs: undefined };

export const leftovers = check(ABOUT, async (context) => {
  const { kubernetes, commands } = context;
  const [inventory, { namespace }] = await Promise.all([context.inventory(), kubernetes.cluster()]);
  const { warnings } = inventory;
  const unread = warnings.length > 0 ? [skipped(ABOUT, "not all could be read", { details: warnings })] : [];
  if (inventory.forbidden?.has("jobs") === true) return unread;
  const { items } = planCleanup(inventory, OPTIONS, context.now());
  if (items.length === 0) return [ok(ABOUT, "cleanup has nothing to remove"), ...unread];
  const found = warning(ABOUT, `cleanup would remove ${countsText(items)}`, {
    details: [firstOf(items.map(({ ref, message }) => `${ref.name} (${message})`))],
    hint: "see what and why, or remove it",
    look: commands.prefect("cleanup --dry-run", namespace),
    // Asks before it removes anything.
    fix: [commands.prefect("cleanup", namespace)],
  });
  return [found, ...unread];
});
