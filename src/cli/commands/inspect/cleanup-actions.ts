// What `cleanup` would do with the objects of a flow run. Pure.

import { planCleanup } from "../../../cleanup/plan.ts";
import { OLDER_THAN_MS, type Kept, type PlanItem } from "../../../cleanup/item.ts";
import type { PlannedAction } from "../../../inventory/diagnosis.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import { nameOf } from "../cleanup/report.ts";

/** More objects with the same action and reason become one line. */
const MAX_LISTED = 3;

/** The actions with the default options, except for objects that are being deleted already. */
export function cleanupActions(flowRunId: string, inventory: Inventory, now: Date): readonly PlannedAction[] {
  const runs = new Set([flowRunId]);
  const options = { olderThanMs: OLDER_THAN_MS, jobs: true, dask: true, orphansOnly: false, runs };
  const { items, kept } = planCleanup(inventory, options, now);
  const named = ({ resource, ref }: Kept | PlanItem) => ({
    object: nameOf({ resource, ref }),
    namespace: ref.namespace,
  });
  return [
    ...items.map((item) => ({ action: "delete" as const, ...named(item), reason: item.message })),
    ...kept.map((object) => ({ action: "leave" as const, ...named(object), reason: object.reason })),
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
