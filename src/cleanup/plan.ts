// Plan: what cleanup would remove and what it would leave, decided from an inventory alone. Pure; what has changed by the
// time that something is removed is still-holds.ts's business.

import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { Inventory, InventoryRun } from "../inventory/inventory.ts";
import type { Kept, Plan, PlanItem } from "./item.ts";
import { planDask } from "./plan-dask.ts";
import { planJobs } from "./plan-jobs.ts";
import { knowsSome, lifecycleOf } from "./run-lifecycle.ts";
import type { Standing } from "./run-lifecycle.ts";
import { apiAddress, namesApi } from "../job/api-address.ts";

/** What is to be considered, and how old it must be. */
export interface PlanOptions {
  /** Finished for at least so long, or its run over for at least so long. */
  readonly olderThanMs: number;
  /** Jobs. */
  readonly jobs: boolean;
  /** Dask clusters. */
  readonly dask: boolean;
  /** Only what lost its flow run, its pods or its place; nothing that merely finished. */
  readonly orphansOnly: boolean;
  /** Only what belongs to these flow runs; undefined: also what belongs to none. */
  readonly runs: ReadonlySet<string> | undefined;
  /** Addresses of the Prefect APIs that were asked: a Job that names one of them belongs to it. */
  readonly apis: readonly string[];
}

interface Sorted {
  readonly items: readonly PlanItem[];
  readonly kept: readonly Kept[];
}

/** What is to go, in its order, and what stays. */
export function planCleanup(inventory: Inventory, options: PlanOptions, now: Date): Plan {
  const { olderThanMs } = options;
  const known = knowsSome(inventory.runs);
  const standings = new Map<string, Standing>(
    inventory.runs.map((print) => {
      const trusted = known.has(print.prefectVersion) || wasToldOf(print, options.apis);
      return [print.flowRunId, lifecycleOf(print.flowRunId, print.status, trusted)];
    }),
  );
  const standing = (print: InventoryRun): Standing =>
    standings.get(print.flowRunId) ?? lifecycleOf(print.flowRunId, print.status, false);
  const jobs = inventory.runs.map((print) =>
    planJobs({ print, standing: standing(print), olderThanMs, now }),
  );
  const leaving = new Set(
    options.jobs ? jobs.flatMap(({ items }) => items.filter(wanted(options)).map(({ uid }) => uid)) : [],
  );
  const prints = byRun(inventory.runs);
  const dask = clustersIn(inventory).map((cluster) => {
    const print = prints.get(cluster.owner?.flowRunId ?? "");
    const owner = print === undefined ? undefined : { print, standing: standing(print) };
    return planDask({
      dask: cluster,
      owner,
      deletedJobs: leaving,
      olderThanMs,
      orphansOnly: options.orphansOnly,
      now,
    });
  });
  // Where pods cannot be listed, nothing tells whether a cluster has any.
  const seesPods = inventory.forbidden?.includes("pods") !== true;
  return runAll([...(options.jobs ? jobs : []), ...(options.dask && seesPods ? dask : [])], options);
}

function runAll(parts: readonly Sorted[], options: PlanOptions): Plan {
  const isOurs = ({ run }: Kept | PlanItem): boolean =>
    options.runs === undefined || (run !== undefined && options.runs.has(run.id));
  const items = parts.flatMap((part) => part.items.filter(isOurs).filter(wanted(options)));
  return {
    items: items.sort((a, b) => a.order - b.order),
    kept: parts.flatMap((part) => part.kept.filter(isOurs)),
  };
}

function wanted({ orphansOnly }: PlanOptions): (item: PlanItem) => boolean {
  return ({ reason: ground }) => !orphansOnly || ground !== "finished";
}

/** A run with Jobs in several namespaces has several prints: whose Dask cluster it is, it needs all of them. */
function byRun(prints: readonly InventoryRun[]): ReadonlyMap<string, InventoryRun> {
  const merged = new Map<string, InventoryRun>();
  for (const print of prints) {
    const { flowRunId } = print;
    const known = merged.get(flowRunId);
    const jobs = [...(known?.observed.jobs ?? []), ...print.observed.jobs];
    merged.set(flowRunId, { ...(known ?? print), observed: { flowRunId, jobs } });
  }
  return merged;
}

function clustersIn(inventory: Inventory): readonly ObservedCluster[] {
  return [...inventory.runs.flatMap(({ dask }) => dask), ...inventory.unownedDask];
}

/**
 * Whether a Job of the run was told of one of these APIs: then the run's absence there means that it was deleted. Prefect
 * Cloud has one address for everybody, so there it means no more than another tenant.
 */
function wasToldOf({ observed }: InventoryRun, apis: readonly string[]): boolean {
  const asked = new Set(apis.map(apiAddress).filter((address) => address !== undefined));
  return observed.jobs.some(({ job }) => namesApi(job, asked));
}
