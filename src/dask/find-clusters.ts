// Dask clusters, put together from what lies around of them in a cluster, each with the flow run that it belongs to.

import type { RunWithPods } from "./attribute.ts";
import type { ObservedCluster } from "./dask-cluster.ts";
import type { AnyObject, Pod } from "../kube/client/objects.ts";
import { attributionOver } from "./attribute.ts";
import type { Unattributed } from "./attribute.ts";
import { isLiving } from "./pod-life.ts";
import { clusterOfFrontend, membershipOf } from "./recognise.ts";
import type { Membership } from "./recognise.ts";

/** What was listed; anything in it that is not Dask's is passed over. */
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

/** All Dask clusters, by namespace and name; the flow runs' own pods are none of theirs. */
export function findClusters(objects: DaskObjects, runs: readonly RunWithPods[]): ObservedCluster[] {
  const drafts = new Drafts();
  for (const resource of objects.clusters) {
    const { name, namespace } = resource.metadata;
    drafts.of("operator", namespace, name).resource = resource;
  }
  const isOperators = (namespace: string, name: string): boolean => drafts.has("operator", namespace, name);
  const flowPods = new Set(
    runs.flatMap(({ observed }) => observed.jobs.flatMap(({ pods }) => pods.map(uidOf))),
  );
  for (const pod of objects.pods) {
    const membership = flowPods.has(uidOf(pod)) ? undefined : membershipOf(pod, isOperators);
    if (membership !== undefined) drafts.join(pod, membership);
  }
  for (const kind of ["services", "budgets"] as const) {
    for (const object of objects[kind]) {
      const name = clusterOfFrontend(object);
      const { namespace } = object.metadata;
      if (name === undefined || isOperators(namespace, name)) continue;
      drafts.of("classic", namespace, name)[kind].push(object);
    }
  }
  const ownerOf = attributionOver(runs);
  return drafts.all().map((cluster) => ({ ...cluster, owner: ownerOf(cluster) }));
}

class Drafts {
  readonly #drafts = new Map<string, Draft>();

  has(kind: ObservedCluster["kind"], namespace: string, name: string): boolean {
    return this.#drafts.has(keyOf(kind, namespace, name));
  }

  of(kind: ObservedCluster["kind"], namespace: string, name: string): Draft {
    const key = keyOf(kind, namespace, name);
    const known = this.#drafts.get(key);
    if (known !== undefined) return known;
    const parts = { schedulers: [], workers: [], services: [], budgets: [] };
    const draft: Draft = { kind, name, namespace, ...parts, resource: undefined };
    this.#drafts.set(key, draft);
    return draft;
  }

  join(pod: Pod, { kind, cluster, role }: Membership): void {
    const draft = this.of(kind, pod.metadata.namespace, cluster);
    (role === "scheduler" ? draft.schedulers : draft.workers).push(pod);
  }

  all(): readonly Unattributed[] {
    return [...this.#drafts.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { schedulers, ...draft }]) => {
        // Of several schedulers one can work; what is left of the others counts with the workers.
        const scheduler = schedulers.find(isLiving) ?? schedulers[0];
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
