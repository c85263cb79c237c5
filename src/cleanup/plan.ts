// Plan: what cleanup deletes and what it keeps, decided from an inventory alone. Pure. recheck.ts checks each object again
// before it is deleted.

import { isUuid } from "../base/uuid.ts";
import { clustersIn, type Inventory, type InventoryRun } from "../inventory/inventory.ts";
import type { Kept, Plan, PlanItem } from "./item.ts";
import { planDask } from "./plan-dask.ts";
import { planJobs } from "./plan-jobs.ts";
import { lifecycleOf } from "../orchestrator/flow-run.ts";
import type { PlannedRun } from "./run-lifecycle.ts";

/** What to consider, and how old it must be. */
export interface PlanOptions {
  /** Delete only what finished, or whose run ended, at least this long ago. */
  readonly olderThanMs: number;
  readonly jobs: boolean;
  readonly dask: boolean;
  /** Keep what has merely finished; delete only what has lost its flow run or its pods, or was replaced. */
  readonly orphansOnly: boolean;
  /** Only what belongs to these flow runs; undefined: also what belongs to none. */
  readonly runs: ReadonlySet<string> | undefined;
  /** Why what belongs to this run is kept, whatever else holds; undefined: nothing keeps it. */
  readonly keepRun?: ((run: InventoryRun) => string | undefined) | undefined;
}

/** Why nothing is removed of what only seems to be a flow run. */
const NO_ID = "its label is not a flow run id";

/** What to delete, in its order, and what to keep. */
export function planCleanup(inventory: Inventory, options: PlanOptions, now: Date): Plan {
  const { olderThanMs, orphansOnly, runs: only } = options;
  const ownerOf = (run: InventoryRun): PlannedRun => {
    const keep = isUuid(run.flowRunId) ? options.keepRun?.(run) : NO_ID;
    return { run, lifecycle: lifecycleOf(run.status), keep };
  };
  const isWanted = ({ reason }: PlanItem): boolean => !orphansOnly || reason !== "finished";
  const isSelected = ({ run }: Kept | PlanItem): boolean =>
    only === undefined || (run !== undefined && only.has(run.flowRunId));
  const jobs = options.jobs
    ? inventory.runs.map((run) => planJobs({ ...ownerOf(run), olderThanMs, now }))
    : [];
  const deletedJobs = new Set(jobs.flatMap(({ items }) => items.filter(isWanted).map(({ uid }) => uid)));
  const runs = mergedById(inventory.runs);
  // Without permission to list pods, every cluster would seem to have none.
  const canListPods = inventory.forbidden?.has("pods") !== true;
  const clusters = options.dask && canListPods ? clustersIn(inventory) : [];
  const dask = clusters.map((cluster) => {
    const run = runs.get(cluster.owner?.flowRunId ?? "");
    const owner = run && ownerOf(run);
    return planDask({ dask: cluster, owner, deletedJobs, olderThanMs, orphansOnly, now });
  });
  const plans = [...jobs, ...dask];
  const items = plans.flatMap((plan) => plan.items.filter(isSelected).filter(isWanted));
  return {
    items: items.sort((a, b) => a.order - b.order),
    kept: plans.flatMap((plan) => plan.kept.filter(isSelected)),
  };
}

/** A run with Jobs in several namespaces occurs once in each; for its Dask clusters, all its Jobs count. */
function mergedById(runs: readonly InventoryRun[]): ReadonlyMap<string, InventoryRun> {
  const byId = new Map<string, InventoryRun>();
  for (const run of runs) {
    const { flowRunId } = run;
    const known = byId.get(flowRunId);
    const jobs = [...(known?.observed.jobs ?? []), ...run.observed.jobs];
    byId.set(flowRunId, { ...(known ?? run), observed: { flowRunId, jobs } });
  }
  return byId;
}
