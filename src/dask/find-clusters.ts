// Groups pods, Services and other objects into Dask clusters, each with the flow run that it belongs to.

import type { RunWithPods } from "./attribute.ts";
import type { ObservedCluster } from "./dask-cluster.ts";
import type { AnyObject, Pod } from "../kube/client/objects.ts";
import { attributionAmong } from "./attribute.ts";
import type { Unattributed } from "./attribute.ts";
import { isPodActive } from "./pod-status.ts";
import { clusterSelectedBy, membershipOf } from "./recognise.ts";
import type { Membership } from "./recognise.ts";

/** Listed objects; those that are not Dask's are ignored. */
export interface DaskObjects {
  readonly pods: readonly Pod[];
  readonly services: readonly AnyObject[];
  readonly budgets: readonly AnyObject[];
  /** DaskClusters of the operator (kubernetes.dask.org). */
  readonly clusters: readonly AnyObject[];
}

interface Draft {
  readonly kind: ObservedCluster["kind"];
  readonly name: string;
  readonly namespace: string;
  readonly schedulers: Pod[];
  readonly workers: Pod[];
  readonly services: AnyObject[];
  readonly budgets: AnyObject[];
  resource: AnyObject | undefined;
}

/** All Dask clusters, sorted by namespace and name. Flow runs' own pods are never part of one. */
export function findClusters(objects: DaskObjects, runs: readonly RunWithPods[]): ObservedCluster[] {
  const drafts = new Drafts();
  for (const resource of objects.clusters) {
    const { name, namespace } = resource.metadata;
    drafts.getOrCreate("operator", namespace, name).resource = resource;
  }
  const isOperatorCluster = (namespace: string, name: string): boolean =>
    drafts.has("operator", namespace, name);
  const flowPods = new Set(
    runs.flatMap(({ observed }) => observed.jobs.flatMap(({ pods }) => pods.map(uidOf))),
  );
  for (const pod of objects.pods) {
    const membership = flowPods.has(uidOf(pod)) ? undefined : membershipOf(pod, isOperatorCluster);
    if (membership !== undefined) drafts.addPod(pod, membership);
  }
  for (const kind of ["services", "budgets"] as const) {
    for (const object of objects[kind]) {
      const name = clusterSelectedBy(object);
      const { namespace } = object.metadata;
      if (name === undefined || isOperatorCluster(namespace, name)) continue;
      drafts.getOrCreate("classic", namespace, name)[kind].push(object);
    }
  }
  const ownerOf = attributionAmong(runs);
  return drafts.all().map((cluster) => ({ ...cluster, owner: ownerOf(cluster) }));
}

class Drafts {
  readonly #drafts = new Map<string, Draft>();

  has(kind: ObservedCluster["kind"], namespace: string, name: string): boolean {
    return this.#drafts.has(keyOf(kind, namespace, name));
  }

  getOrCreate(kind: ObservedCluster["kind"], namespace: string, name: string): Draft {
    const key = keyOf(kind, namespace, name);
    const known = this.#drafts.get(key);
    if (known !== undefined) return known;
    const parts = { schedulers: [], workers: [], services: [], budgets: [] };
    const draft: Draft = { kind, name, namespace, ...parts, resource: undefined };
    this.#drafts.set(key, draft);
    return draft;
  }

  addPod(pod: Pod, { kind, cluster, role }: Membership): void {
    const draft = this.getOrCreate(kind, pod.metadata.namespace, cluster);
    (role === "scheduler" ? draft.schedulers : draft.workers).push(pod);
  }

  all(): readonly Unattributed[] {
    return [...this.#drafts.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { schedulers, ...draft }]) => {
        // Only one of several schedulers can be in use; the others count as workers.
        const scheduler = schedulers.find(isPodActive) ?? schedulers[0];
        const others = schedulers.filter((pod) => pod !== scheduler);
        return { ...draft, scheduler, workers: [...draft.workers, ...others] };
      });
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return [namespace, name, kind].join("/");
}

function uidOf({ metadata }: Pick<Pod, "metadata">): string {
  return metadata.uid;
}
