// Inventory: lists the objects of all Dask clusters, whatever created them.

import type { DaskObjects } from "../dask/find-clusters.ts";
import { CLUSTER_LABEL, GATEWAY_LABEL } from "../dask/recognise.ts";
import type { Pod } from "../kube/client/objects.ts";
import type { Listing } from "./listing.ts";

/** Selectors of Dask pods of dask-kubernetes since 0.10, of 0.8 and 0.9, and of dask-gateway. */
const DASK_POD_SELECTORS = ["dask.org/component", "component in (dask-worker,dask-scheduler)", GATEWAY_LABEL];

/** `pods`: what a table shows; `all`: also Services and PodDisruptionBudgets. */
export type DaskScope = "pods" | "all";

/** Throws KubeError. */
export async function listDask(
  listing: Listing,
  namespace: string | undefined,
  scope: DaskScope,
): Promise<DaskObjects> {
  const isAll = scope === "all";
  const listPods = (labelSelector: string): Promise<readonly Pod[]> =>
    listing.all("pods", { namespace, labelSelector, fromCache: !isAll });
  const [pods, clusters, services, budgets] = await Promise.all([
    Promise.all(DASK_POD_SELECTORS.map(listPods)),
    listing.all("daskclusters", { namespace }),
    isAll ? listing.all("services", { namespace, labelSelector: CLUSTER_LABEL }) : [],
    // Budgets of dask-kubernetes up to 2021.10 carry no labels.
    isAll ? listing.all("poddisruptionbudgets", { namespace }) : [],
  ]);
  const unique = new Map(pods.flat().map((pod) => [pod.metadata.uid, pod]));
  return { pods: [...unique.values()], clusters, services, budgets };
}
