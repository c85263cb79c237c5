// What `cleanup` would take, by its own plan: for `jobs --stale` and for `inspect`. Pure.

import { planCleanup } from "../cleanup/plan.ts";
import type { Kept, Plan } from "../cleanup/item.ts";
import type { Prospect } from "../inventory/diagnosis.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { ListRow } from "../inventory/list-row.ts";
import { nameOf } from "./commands/cleanup/report.ts";

/** What cleanup waits for when it is not told otherwise. */
export const OLDER_THAN_MS = 600_000;
/** So many objects with one fate are named one by one. */
const NAMED_AT_MOST = 3;

/** What a look at the cluster has shown, and which Prefect APIs were asked. */
export interface CleanupView {
  readonly inventory: Inventory;
  readonly apis: readonly string[];
  readonly now: Date;
}

/** A Job that goes, and a Dask cluster of which something goes. */
export function staleRows(rows: readonly ListRow[], view: CleanupView): readonly ListRow[] {
  const { items } = planOf(view, undefined);
  const uids = new Set(items.map(({ uid }) => uid));
  const clusters = new Set(items.map(({ cluster, ref }) => `${ref.namespace}/${cluster}`));
  return rows.filter(({ subject }) =>
    subject.kind === "job"
      ? uids.has(subject.row.job.job.metadata.uid)
      : clusters.has(`${subject.row.dask.namespace}/${subject.row.dask.name}`),
  );
}

/** What would become of each object of a run; what is being deleted already is not among them. */
export function prospectsOf(flowRunId: string, view: CleanupView): readonly Prospect[] {
  const { items, kept } = planOf(view, flowRunId);
  return [
    ...items.map((item) => prospect("delete", item, item.message)),
    ...kept.map((left) => prospect("leave", left, left.reason)),
  ];
}

/** The prospects in lines for people; many alike, such as a cluster's workers, are one. */
export function prospectLines(prospects: readonly Prospect[]): readonly string[] {
  const alike = Map.groupBy(prospects, ({ action, object, reason: why }) =>
    [action, object.split("/")[0], why].join("\n"),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length <= NAMED_AT_MOST)
      return group.map(({ action, object, reason: why }) => `${action} ${object}: ${why}`);
    return [`${first.action} ${first.object} and ${group.length - 1} more like it: ${first.reason}`];
  });
}

function planOf({ inventory, apis, now }: CleanupView, flowRunId: string | undefined): Plan {
  const runs = flowRunId === undefined ? undefined : new Set([flowRunId]);
  const options = { olderThanMs: OLDER_THAN_MS, jobs: true, dask: true, orphansOnly: false, runs, apis };
  return planCleanup(inventory, options, now);
}

function prospect(
  action: Prospect["action"],
  object: Pick<Kept, "resource" | "ref">,
  reason: string,
): Prospect {
  return { action, object: nameOf(object), namespace: object.ref.namespace, reason };
}
