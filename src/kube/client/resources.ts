// Where each resource lives in the API.

import type { Resource } from "./objects.ts";

interface Place {
  readonly prefix: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const CORE = "/api/v1";
const PLACES: Readonly<Record<Resource, Place>> = {
  jobs: { prefix: "/apis/batch/v1", kind: "Job", namespaced: true },
  pods: { prefix: CORE, kind: "Pod", namespaced: true },
  events: { prefix: CORE, kind: "Event", namespaced: true },
  services: { prefix: CORE, kind: "Service", namespaced: true },
  poddisruptionbudgets: { prefix: "/apis/policy/v1", kind: "PodDisruptionBudget", namespaced: true },
  daskclusters: { prefix: "/apis/kubernetes.dask.org/v1", kind: "DaskCluster", namespaced: true },
  leases: { prefix: "/apis/coordination.k8s.io/v1", kind: "Lease", namespaced: true },
  namespaces: { prefix: CORE, kind: "Namespace", namespaced: false },
  nodes: { prefix: CORE, kind: "Node", namespaced: false },
  secrets: { prefix: CORE, kind: "Secret", namespaced: true },
  serviceaccounts: { prefix: CORE, kind: "ServiceAccount", namespaced: true },
  resourcequotas: { prefix: CORE, kind: "ResourceQuota", namespaced: true },
};

/** The kind of a resource's objects, for messages. */
export function kindOf(resource: Resource): string {
  return PLACES[resource].kind;
}

/** The path of a collection, or of one object in it. */
export function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const place = PLACES[resource];
  const within =
    place.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${place.prefix}${within}/${resource}${object}`;
}
