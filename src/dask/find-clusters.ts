// Groups pods, Services and other objects into Dask clusters, each with the flow run that it belongs to.

import type { ObservedRun } from "../job/observe/observed.ts";
import type { ObservedCluster } from "./dask-cluster.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";
import { attributionAmong, type Unattributed } from "./attribute.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import { clusterSelectedBy, membershipOf } from "./recognise.ts";

/** Listed objects; those that are not Dask's are ignored. */
export interface DaskObjects {
  readonly pods: readonly Pod[];
  readonly services: readonly AnyObject[];
  readonly budgets: readonly AnyObject[];
  /** DaskClusters of the operator (kubernetes.dask.org). */
  readonly clusters: readonly AnyObject[];
}

/** A cluster whose parts are being collected. */
interface Draft extends Pick<ObservedCluster, "kind" | "name" | "namespace"> {
  readonly schedulers: Pod[];
  readonly workers: Pod[];
  readonly services: AnyObject[];
  readonly budgets: AnyObject[];
  resource: AnyObject | undefined;
}

/** All Dask clusters, sorted by namespace and name. Flow runs' own pods are never part of one. A guess is right only among all runs. */
export function findClusters(
  objects: DaskObjects,
  runs: readonly ObservedRun[],
  { withGuesses = true }: { readonly withGuesses?: boolean } = {},
): ObservedCluster[] {
  const drafts = new Map<string, Draft>();
  const draft = ({ namespace }: Meta, kind: Draft["kind"], name: string): Draft => {
    const key = [namespace, name, kind].join("/");
    const parts = { schedulers: [], workers: [], services: [], budgets: [], resource: undefined };
    const found = drafts.get(key) ?? { kind, name, namespace, ...parts };
    drafts.set(key, found);
    return found;
  };
  for (const resource of objects.clusters)
    draft(resource.metadata, "operator", resource.metadata.name).resource = resource;
  const isOperatorCluster = (namespace: string, name: string): boolean =>
    drafts.has([namespace, name, "operator"].join("/"));
  const flowPods = new Set(
    runs.flatMap(({ jobs }) => jobs.flatMap(({ pods }) => pods.map(({ metadata }) => metadata.uid))),
  );
  for (const pod of objects.pods) {
    const membership = flowPods.has(pod.metadata.uid) ? undefined : membershipOf(pod, isOperatorCluster);
    if (membership === undefined) continue;
    const { kind, cluster, role } = membership;
    draft(pod.metadata, kind, cluster)[`${role}s`].push(pod);
  }
  for (const kind of ["services", "budgets"] as const) {
    for (const object of objects[kind]) {
      const name = clusterSelectedBy(object);
      if (name === undefined || isOperatorCluster(object.metadata.namespace, name)) continue;
      draft(object.metadata, "classic", name)[kind].push(object);
    }
  }
  if (drafts.size === 0) return [];
  const ownerOf = attributionAmong(runs, withGuesses);
  return [...drafts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, collected]) => withOneScheduler(collected))
    .map((cluster) => ({ ...cluster, owner: ownerOf(cluster) }));
}

/** Only one of several schedulers can be in use; the others count as workers. */
function withOneScheduler({ schedulers, workers, ...draft }: Draft): Unattributed {
  const scheduler = schedulers.find((pod) => !hasEnded(pod)) ?? schedulers[0];
  return { ...draft, scheduler, workers: [...workers, ...schedulers.filter((pod) => pod !== scheduler)] };
}
