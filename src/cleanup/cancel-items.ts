// What cancel deletes of a flow run: all its Jobs, and the Dask clusters that certainly belong to it. Pure.

import { podsOf, type ObservedCluster } from "../dask/dask-cluster.ts";
import { isUniqueName } from "../dask/recognise.ts";
import { clustersIn, type Inventory } from "../inventory/inventory.ts";
import { isJobFinished } from "../job/observe/phase.ts";
import { isKept } from "../job/labels.ts";
import { isDeleted, isKeptWithPods, isOrphan, type ObservedJob } from "../job/observe/observed.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import type { Meta } from "../kube/client/objects.ts";
import { PlanDraft, type Part, type Plan } from "./item.ts";
import { PODS_UNKNOWN } from "./plan-jobs.ts";
import { worksOn } from "./run-lifecycle.ts";

/** Why a Dask cluster is kept that may belong to the run. */
export const GUESSED = "that it belongs to the flow run is only a guess";
const CANCELLED = { reason: "cancelled", message: "its flow run is cancelled", running: true } as const;

/** Dask clusters that are known to belong to a run: namespace and name → the run's id. */
export type KnownClusters = ReadonlyMap<string, string>;

/**
 * Everything of these runs: first Jobs, and pods that a deleted Job has let go. `known`: clusters attributed earlier; after
 * the flow's pod is deleted they may no longer be attributable. Guessed clusters are kept.
 */
export function cancelPlan(
  { runs: all, ...inventory }: Pick<Inventory, "runs" | "unownedDask" | "forbidden">,
  runIds: ReadonlySet<string>,
  options: { readonly known?: KnownClusters | undefined; readonly withTerminating?: boolean } = {},
): Plan {
  const { known, withTerminating } = options;
  const runs = all.filter(({ flowRunId }) => runIds.has(flowRunId));
  const jobs = runs.map((run) => {
    const keep = run.podsForbidden === true ? PODS_UNKNOWN : undefined;
    const draft = new PlanDraft({ run, withTerminating, keep });
    for (const { job, gone, pods } of run.observed.jobs) {
      if (!gone) draft.add("job", job, { ...CANCELLED, pods });
      else for (const pod of pods) draft.add("pod", pod, CANCELLED);
    }
    return draft;
  });
  const clusters = clustersIn({ ...inventory, runs: all }).map((dask) => {
    const certain = runOf(dask, known);
    const runId = certain ?? dask.owner?.flowRunId;
    const run = runs.find(({ flowRunId }) => flowRunId === runId);
    // Without its pods a cluster in use looks like one that is gone.
    const arePodsUnknown = dask.kind === "classic" && inventory.forbidden?.has("pods") === true;
    const keep = certain === undefined ? GUESSED : arePodsUnknown ? PODS_UNKNOWN : undefined;
    const draft = new PlanDraft({ run, cluster: dask.name, withTerminating, keep });
    if (runId !== undefined && runIds.has(runId))
      for (const [part, object] of partsOf(dask)) {
        const pods = part === "daskCluster" ? podsOf(dask) : [];
        draft.add(part, object, { ...CANCELLED, pods });
      }
    return draft;
  });
  const drafts = [...jobs, ...clusters];
  return {
    items: drafts.flatMap(({ items }) => items).sort((a, b) => a.order - b.order),
    kept: drafts.flatMap(({ kept }) => kept),
  };
}

/** The clusters of these runs that have a unique name, by which cancelPlan finds them after their flow pod is deleted. */
export function clustersOf(inventory: Inventory, runIds: ReadonlySet<string>): KnownClusters {
  const unique = clustersIn(inventory).filter(({ name }) => isUniqueName(name));
  return new Map(
    unique.flatMap((dask) => {
      const runId = runOf(dask);
      return runId === undefined || !runIds.has(runId) ? [] : [[keyOf(dask), runId] as const];
    }),
  );
}

/** Something of a run that still runs. */
export interface Running {
  /** `pod "flow"`. */
  readonly name: string;
  readonly isKept: boolean;
}

/** What still runs of these runs: their pods, and Jobs that may create more; not what is being deleted with its Job. */
export function stillRunning(inventory: Inventory, runIds: ReadonlySet<string>): readonly Running[] {
  const runs = inventory.runs.filter(({ flowRunId }) => runIds.has(flowRunId));
  return runs.flatMap(({ observed: { jobs } }) => {
    const pods = jobs.flatMap((each) =>
      each.pods
        .filter((pod) => worksOn(pod) && (!isDeleted(each) || isOrphan(pod, each)))
        .map(({ metadata }) => ({
          name: `pod "${metadata.name}"`,
          isKept: isKept(metadata) || (!each.gone && isKeptWithPods(each)),
        })),
    );
    if (pods.length > 0) return pods;
    const unfinished = jobs.filter((each) => !isDeleted(each) && !isJobFinished(each.job));
    return unfinished.map((each) => ({
      name: `Job "${each.job.metadata.name}"`,
      isKept: isKeptWithPods(each),
    }));
  });
}

/** What still runs and may end by itself, once its run is Cancelling: not a Job whose pods are all still Pending. */
export function stillEnding(
  { runs, ...inventory }: Inventory,
  runIds: ReadonlySet<string>,
): readonly Running[] {
  const mayEnd = ({ pods }: ObservedJob): boolean =>
    pods.length === 0 || pods.some(({ status }) => status.phase !== "Pending");
  const started = runs.map(({ observed, ...run }) => {
    const jobs = observed.jobs.filter(mayEnd);
    return { ...run, observed: { ...observed, jobs } };
  });
  return stillRunning({ ...inventory, runs: started }, runIds);
}

function runOf(dask: ObservedCluster, known?: KnownClusters): string | undefined {
  const { owner } = dask;
  return owner === undefined || owner.by === "guess" ? known?.get(keyOf(dask)) : owner.flowRunId;
}

function partsOf({
  kind,
  ...dask
}: ObservedCluster): readonly (readonly [Part, { readonly metadata: Meta }])[] {
  if (kind === "gateway") return [];
  if (kind === "operator") return dask.resource === undefined ? [] : [["daskCluster", dask.resource]];
  // Running ones first: they cost money.
  const workers = dask.workers.toSorted((a, b) => Number(hasEnded(a)) - Number(hasEnded(b)));
  return [
    ...workers.map((pod) => ["worker", pod] as const),
    ...(dask.scheduler === undefined ? [] : [["scheduler", dask.scheduler] as const]),
    ...dask.budgets.map((budget) => ["budget", budget] as const),
    ...dask.services.map((service) => ["service", service] as const),
  ];
}

function keyOf({ namespace, name }: ObservedCluster): string {
  return `${namespace}/${name}`;
}
