// `jobs --stale`: the lines of what cleanup would take, by cleanup's own plan.

import { planCleanup } from "../cleanup/plan.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { ListRow } from "../inventory/list-row.ts";

/** What cleanup waits for when it is not told otherwise. */
const OLDER_THAN_MS = 600_000;

/** A Job that goes, and a Dask cluster of which something goes. `apis`: the Prefect APIs that were asked. */
export function staleRows(
  rows: readonly ListRow[],
  given: { readonly inventory: Inventory; readonly apis: readonly string[]; readonly now: Date },
): readonly ListRow[] {
  const options = { olderThanMs: OLDER_THAN_MS, jobs: true, dask: true, orphansOnly: false, runs: undefined };
  const { items } = planCleanup(given.inventory, { ...options, apis: given.apis }, given.now);
  const uids = new Set(items.map(({ uid }) => uid));
  const clusters = new Set(items.map(({ cluster, ref }) => `${ref.namespace}/${cluster}`));
  return rows.filter(({ subject }) =>
    subject.kind === "job"
      ? uids.has(subject.row.print.job.metadata.uid)
      : clusters.has(`${subject.row.dask.namespace}/${subject.row.dask.name}`),
  );
}
