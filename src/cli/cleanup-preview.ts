// What `cleanup` would delete, for `jobs --stale` and for `inspect`. Pure.

import { planCleanup } from "../cleanup/plan.ts";
import type { Kept, Plan } from "../cleanup/item.ts";
import type { PlannedAction } from "../inventory/diagnosis.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { ListRow } from "../inventory/list-row.ts";
import { nameOf } from "./commands/cleanup/report.ts";

/** The default of `cleanup --older-than`. */
export const OLDER_THAN_MS = 600_000;
/** More objects with the same action and reason become one line. */
const MAX_LISTED = 3;

/** What was listed in the cluster. */
export interface CleanupInput {
  readonly inventory: Inventory;
  readonly now: Date;
}

/** The Jobs that cleanup would delete, and the Dask clusters of which it would delete a part. */
export function staleRows(rows: readonly ListRow[], input: CleanupInput): readonly ListRow[] {
  const { items } = planOf(input, undefined);
  const uids = new Set(items.map(({ uid }) => uid));
  const clusters = new Set(items.map(({ cluster, ref }) => `${ref.namespace}/${cluster}`));
  return rows.filter(({ item }) =>
    item.kind === "job"
      ? uids.has(item.row.job.job.metadata.uid)
      : clusters.has(`${item.row.dask.namespace}/${item.row.dask.name}`),
  );
}

/** What cleanup would do with each object of a run, except those that are being deleted already. */
export function cleanupActions(flowRunId: string, input: CleanupInput): readonly PlannedAction[] {
  const { items, kept } = planOf(input, flowRunId);
  return [
    ...items.map((item) => actionOn("delete", item, item.message)),
    ...kept.map((object) => actionOn("leave", object, object.reason)),
  ];
}

/** The actions as lines for people; many similar ones, such as those on a cluster's workers, are one line. */
export function actionLines(actions: readonly PlannedAction[]): readonly string[] {
  const groups = Map.groupBy(actions, ({ action, object, reason }) =>
    [action, object.split("/")[0], reason].join("\n"),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length <= MAX_LISTED)
      return group.map(({ action, object, reason }) => `${action} ${object}: ${reason}`);
    return [`${first.action} ${first.object} and ${group.length - 1} more: ${first.reason}`];
  });
}

function planOf({ inventory, now }: CleanupInput, flowRunId: string | undefined): Plan {
  const runs = flowRunId === undefined ? undefined : new Set([flowRunId]);
  const options = { olderThanMs: OLDER_THAN_MS, jobs: true, dask: true, orphansOnly: false, runs };
  return planCleanup(inventory, options, now);
}

function actionOn(
  action: PlannedAction["action"],
  object: Pick<Kept, "resource" | "ref">,
  reason: string,
): PlannedAction {
  return { action, object: nameOf(object), namespace: object.ref.namespace, reason };
}
