// Counts of objects for people: `3 Jobs, 1 pod, 2 Services`. Pure.

import type { Removable } from "./item.ts";

const NOUNS: Readonly<Record<Removable, readonly [one: string, many: string]>> = {
  jobs: ["Job", "Jobs"],
  pods: ["pod", "pods"],
  services: ["Service", "Services"],
  poddisruptionbudgets: ["PodDisruptionBudget", "PodDisruptionBudgets"],
  daskclusters: ["DaskCluster", "DaskClusters"],
};

const NAMES: Readonly<Record<Removable, string>> = {
  jobs: "job.batch",
  pods: "pod",
  services: "service",
  poddisruptionbudgets: "poddisruptionbudget.policy",
  daskclusters: "daskcluster.kubernetes.dask.org",
};

/** How many there are of each resource; `nothing` for none. */
export function countsText(objects: readonly { readonly resource: Removable }[]): string {
  const parts = (Object.keys(NOUNS) as Removable[]).flatMap((resource) => {
    const count = objects.filter((object) => object.resource === resource).length;
    const [one, many] = NOUNS[resource];
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

/** The resource's name as kubectl prints it: `job.batch`. */
export function kubectlName(resource: Removable): string {
  return NAMES[resource];
}
