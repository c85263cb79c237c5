// Plan: what cleanup deletes and what it keeps, decided from an inventory alone. Pure. recheck.ts checks each object again
// before it is deleted.

import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { Inventory, InventoryRun } from "../inventory/inventory.ts";
import type { Kept, Plan, PlanItem } from "./item.ts";
import { planDask } from "./plan-dask.ts";
import { planJobs } from "./plan-jobs.ts";
import { knownPrefectVersions, lifecycleOf } from "./run-lifecycle.ts";
import type { RunLifecycle } from "./run-lifecycle.ts";
import { apiAddress, namesApi } from "../job/api-address.ts";

/** What to consider, and how old it must be. */
export interface PlanOptions {
  /** Delete only what finished, or whose run ended, at least this long ago. */
  readonly olderThanMs: number;
  /** Jobs. */
  readonly jobs: boolean;
  /** Dask clusters. */
  readonly dask: boolean;
  /** Keep what has merely finished; delete only what has lost its flow run or its pods, or was replaced. */
  readonly orphansOnly: boolean;
  /** Only what belongs to these flow runs; undefined: also what belongs to none. */
  readonly runs: ReadonlySet<string> | undefined;
  /** Addresses of the Prefect APIs that were asked: a Job that names one of them belongs to it. */
  readonly apis: readonly string[];
}

/** What to delete, in its order, and what to keep. */
export function planCleanup(inventory: Inventory, options: PlanOptions, now: Date): Plan {
  const { olderThanMs } = options;
  const versions = knownPrefectVersions(inventory.runs);
  const lifecycles = new Map<string, RunLifecycle>(
    inventory.runs.map((run) => {
      const trusted = versions.has(run.prefectVersion) || namesAskedApi(run, options.apis);
      return [run.flowRunId, lifecycleOf(run.flowRunId, run.status, trusted)];
    }),
  );
  const lifecycle = (run: InventoryRun): RunLifecycle =>
    lifecycles.get(run.flowRunId) ?? lifecycleOf(run.flowRunId, run.status, false);
  const jobs = inventory.runs.map((run) => planJobs({ run, lifecycle: lifecycle(run), olderThanMs, now }));
  const deletedJobs = new Set(
    options.jobs ? jobs.flatMap(({ items }) => items.filter(isWanted(options)).map(({ uid }) => uid)) : [],
  );
  const runs = mergedById(inventory.runs);
  const dask = clustersIn(inventory).map((cluster) => {
    const run = runs.get(cluster.owner?.flowRunId ?? "");
    const owner = run === undefined ? undefined : { run, lifecycle: lifecycle(run) };
    return planDask({
      dask: cluster,
      owner,
      deletedJobs,
      olderThanMs,
      orphansOnly: options.orphansOnly,
      now,
    });
  });
  // Without permission to list pods, every cluster would seem to have none.
  const canListPods = inventory.forbidden?.includes("pods") !== true;
  return merged([...(options.jobs ? jobs : []), ...(options.dask && canListPods ? dask : [])], options);
}

function merged(plans: readonly Plan[], options: PlanOptions): Plan {
  const isSelected = ({ run }: Kept | PlanItem): boolean =>
    options.runs === undefined || (run !== undefined && options.runs.has(run.id));
  const items = plans.flatMap((plan) => plan.items.filter(isSelected).filter(isWanted(options)));
  return {
    items: items.sort((a, b) => a.order - b.order),
    kept: plans.flatMap((plan) => plan.kept.filter(isSelected)),
  };
}

function isWanted({ orphansOnly }: PlanOptions): (item: PlanItem) => boolean {
  return ({ reason }) => !orphansOnly || reason !== "finished";
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

function clustersIn(inventory: Inventory): readonly ObservedCluster[] {
  return [...inventory.runs.flatMap(({ dask }) => dask), ...inventory.unownedDask];
}

/**
 * Whether a Job of the run names one of these APIs: then a run that is missing there was deleted. Prefect Cloud has one
 * address for all tenants, so there a missing run may belong to another tenant.
 */
function namesAskedApi({ observed }: InventoryRun, apis: readonly string[]): boolean {
  const asked = new Set(apis.map(apiAddress).filter((address) => address !== undefined));
  return observed.jobs.some(({ job }) => namesApi(job, asked));
}
