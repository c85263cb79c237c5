// What a cancelled flow run has in the cluster: all of its Jobs, and the Dask clusters that are tied to it. Pure.

import { isLiving } from "../dask/pod-life.ts";
import { isUniqueName } from "../dask/recognise.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { isKept } from "../job/labels.ts";
import { isOver } from "../job/observe/phase.ts";
import type { Meta } from "../kube/client/objects.ts";
import { itemOf, ORDER } from "./item.ts";
import type { Kept, OwnerRun, Plan, PlanItem, Removable } from "./item.ts";
import { livingPods, ownerRun } from "./run-lifecycle.ts";

/** Dask clusters that were seen to belong to a run: by namespace and name, the run's id. */
export type SeenClusters = ReadonlyMap<string, string>;

interface Part {
  readonly resource: Removable;
  readonly object: { readonly metadata: Meta };
  readonly order: number;
}

/**
 * Everything of these runs, Jobs first. `seen`: clusters known from before; their tie may have gone with the flow's pod.
 * A guess is left alone here as well.
 */
export function cancelPlan(inventory: Inventory, runIds: ReadonlySet<string>, seen: SeenClusters): Plan {
  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  const take = (parts: readonly Part[], run: OwnerRun | undefined, cluster?: string): void => {
    for (const { resource, object, order } of parts) {
      const { metadata } = object;
      if (isKept(metadata)) {
        const ref = { namespace: metadata.namespace, name: metadata.name };
        kept.push({ resource, ref, reason: "annotated prefect.io/keep", run });
      } else {
        const ground = { reason: "cancelled", message: "its flow run is cancelled", running: true } as const;
        items.push({ ...itemOf(metadata), ...ground, resource, order, run, cluster });
      }
    }
  };
  const prints = inventory.runs.filter(({ flowRunId }) => runIds.has(flowRunId));
  for (const print of prints) {
    const jobs = print.observed.jobs.filter(({ gone }) => !gone).map(({ job }) => job);
    take(
      jobs.map((object) => ({ resource: "jobs", object, order: ORDER.job })),
      ownerRun(print),
    );
  }
  for (const dask of clustersIn(inventory)) {
    const runId = runOf(dask, seen);
    if (runId === undefined || !runIds.has(runId)) continue;
    const print = prints.find(({ flowRunId }) => flowRunId === runId);
    take(partsOf(dask), print === undefined ? undefined : ownerRun(print), dask.name);
  }
  return { items: items.sort((a, b) => a.order - b.order), kept };
}

/** The clusters of these runs whose name no other cluster can have, to know them again when nothing ties them any more. */
export function clustersOf(inventory: Inventory, runIds: ReadonlySet<string>): SeenClusters {
  const firm = clustersIn(inventory).filter(({ name }) => isUniqueName(name));
  return new Map(
    firm.flatMap((dask) => {
      const runId = runOf(dask, new Map());
      return runId === undefined || !runIds.has(runId) ? [] : [[keyOf(dask), runId] as const];
    }),
  );
}

/** The names of what still runs of these runs: their pods, and Jobs that may make more. */
export function stillRunning(inventory: Inventory, runIds: ReadonlySet<string>): readonly string[] {
  const prints = inventory.runs.filter(({ flowRunId }) => runIds.has(flowRunId));
  return prints.flatMap((print) => {
    const pods = livingPods(print).map(({ metadata }) => `pod "${metadata.name}"`);
    if (pods.length > 0) return pods;
    const jobs = print.observed.jobs.filter(({ job, gone }) => !gone && !isOver(job));
    return jobs.map(({ job }) => `Job "${job.metadata.name}"`);
  });
}

function clustersIn(inventory: Inventory): readonly ObservedCluster[] {
  return [...inventory.runs.flatMap(({ dask }) => dask), ...inventory.unownedDask];
}

function runOf(dask: ObservedCluster, seen: SeenClusters): string | undefined {
  const { owner } = dask;
  return owner === undefined || owner.by === "guess" ? seen.get(keyOf(dask)) : owner.flowRunId;
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
    // Living ones first: they are what costs.
    ...dask.workers
      .toSorted((a, b) => Number(isLiving(b)) - Number(isLiving(a)))
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
