// The API path and kind of each resource.

import type { Resource } from "./objects.ts";

interface ResourceInfo {
  readonly prefix: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const CORE = "/api/v1";
const RESOURCES: Readonly<Record<Resource, ResourceInfo>> = {
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

export function kindOf(resource: Resource): string {
  return RESOURCES[resource].kind;
}

/** The path of a collection, or of one object in it. */
export function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const info = RESOURCES[resource];
  const inNamespace =
    info.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${info.prefix}${inNamespace}/${resource}${object}`;
}
