// Counts of objects for people: `3 Jobs, 1 pod, 2 Services`. Pure.

import type { Removable } from "./item.ts";

const NAMES: Readonly<Record<Removable, readonly [one: string, many: string, kubectl: string]>> = {
  jobs: ["Job", "Jobs", "job.batch"],
  pods: ["pod", "pods", "pod"],
  services: ["Service", "Services", "service"],
  poddisruptionbudgets: ["PodDisruptionBudget", "PodDisruptionBudgets", "poddisruptionbudget.policy"],
  daskclusters: ["DaskCluster", "DaskClusters", "daskcluster.kubernetes.dask.org"],
};

/** How many there are of each resource; `nothing` for none. */
export function countsText(objects: readonly { readonly resource: Removable }[]): string {
  const parts = (Object.keys(NAMES) as Removable[]).flatMap((resource) => {
    const count = objects.filter((object) => object.resource === resource).length;
    const [one, many] = NAMES[resource];
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

/** One object's kind in messages: `Job`, `pod`. */
export function kindName(resource: Removable): string {
  return NAMES[resource][0];
}

/** The resource's name as kubectl prints it: `job.batch`. */
export function kubectlName(resource: Removable): string {
  return NAMES[resource][2];
}
