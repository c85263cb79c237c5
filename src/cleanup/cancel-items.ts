// What cancel deletes of a flow run: all its Jobs, and the Dask clusters that certainly belong to it. Pure.

import { clustersIn } from "../inventory/inventory.ts";
import { isPodActive } from "../dask/pod-status.ts";
import { isUniqueName } from "../dask/recognise.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { isKept } from "../job/labels.ts";
import { isJobFinished } from "../job/observe/phase.ts";
import type { Meta } from "../kube/client/objects.ts";
import { itemOf, ORDER } from "./item.ts";
import type { Kept, OwnerRun, Plan, PlanItem, Removable } from "./item.ts";
import { livingPods, ownerRun } from "./run-lifecycle.ts";

/** Dask clusters that are known to belong to a run: namespace and name → the run's id. */
export type KnownClusters = ReadonlyMap<string, string>;

interface Part {
  readonly resource: Removable;
  readonly object: { readonly metadata: Meta };
  readonly order: number;
}

/**
 * Everything of these runs, Jobs first. `known`: clusters attributed earlier; after the flow's pod is deleted they may no
 * longer be attributable. Guessed clusters are kept.
 */
export function cancelPlan(inventory: Inventory, runIds: ReadonlySet<string>, known: KnownClusters): Plan {
  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  const add = (parts: readonly Part[], run: OwnerRun | undefined, cluster?: string): void => {
    for (const { resource, object, order } of parts) {
      const { metadata } = object;
      if (isKept(metadata)) {
        const ref = { namespace: metadata.namespace, name: metadata.name };
        kept.push({ resource, ref, reason: "annotated prefect.io/keep", run });
      } else {
        const cancelled = {
          reason: "cancelled",
          message: "its flow run is cancelled",
          running: true,
        } as const;
        items.push({ ...itemOf(metadata), ...cancelled, resource, order, run, cluster });
      }
    }
  };
  const runs = inventory.runs.filter(({ flowRunId }) => runIds.has(flowRunId));
  for (const run of runs) {
    const jobs = run.observed.jobs.filter(({ gone }) => !gone).map(({ job }) => job);
    add(
      jobs.map((object) => ({ resource: "jobs", object, order: ORDER.job })),
      ownerRun(run),
    );
  }
  for (const dask of clustersIn(inventory)) {
    const runId = runOf(dask, known);
    if (runId === undefined || !runIds.has(runId)) continue;
    const run = runs.find(({ flowRunId }) => flowRunId === runId);
    add(partsOf(dask), run === undefined ? undefined : ownerRun(run), dask.name);
  }
  return { items: items.sort((a, b) => a.order - b.order), kept };
}

/** The clusters of these runs that have a unique name, by which cancelPlan finds them after their flow pod is deleted. */
export function clustersOf(inventory: Inventory, runIds: ReadonlySet<string>): KnownClusters {
  const unique = clustersIn(inventory).filter(({ name }) => isUniqueName(name));
  return new Map(
    unique.flatMap((dask) => {
      const runId = runOf(dask, new Map());
      return runId === undefined || !runIds.has(runId) ? [] : [[keyOf(dask), runId] as const];
    }),
  );
}

/** The names of what still runs of these runs: their pods, and Jobs that may create more. */
export function stillRunning(inventory: Inventory, runIds: ReadonlySet<string>): readonly string[] {
  const runs = inventory.runs.filter(({ flowRunId }) => runIds.has(flowRunId));
  return runs.flatMap((run) => {
    const pods = livingPods(run).map(({ metadata }) => `pod "${metadata.name}"`);
    if (pods.length > 0) return pods;
    const jobs = run.observed.jobs.filter(({ job, gone }) => !gone && !isJobFinished(job));
    return jobs.map(({ job }) => `Job "${job.metadata.name}"`);
  });
}

function runOf(dask: ObservedCluster, known: KnownClusters): string | undefined {
  const { owner } = dask;
  return owner === undefined || owner.by === "guess" ? known.get(keyOf(dask)) : owner.flowRunId;
}

function partsOf(dask: ObservedCluster): readonly Part[] {
  if (dask.kind === "gateway") return [];
  if (dask.kind === "operator") {
    const { resource } = dask;
    return resource === undefined
      ? []
      : [{ resource: "daskclusters", object: resource, order: ORDER.daskCluster }];
  }
  const scheduler = dask.scheduler === undefined ? [] : [dask.scheduler];
  return [
    // Running ones first: they cost money.
    ...dask.workers
      .toSorted((a, b) => Number(isPodActive(b)) - Number(isPodActive(a)))
      .map((object): Part => ({ resource: "pods", object, order: ORDER.worker })),
    ...scheduler.map((object): Part => ({ resource: "pods", object, order: ORDER.scheduler })),
    ...dask.budgets.map((object): Part => ({
      resource: "poddisruptionbudgets",
      object,
      order: ORDER.budget,
    })),
    ...dask.services.map((object): Part => ({ resource: "services", object, order: ORDER.service })),
  ];
}

function keyOf({ namespace, name }: ObservedCluster): string {
  return `${namespace}/${name}`;
}
