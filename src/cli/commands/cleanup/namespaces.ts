// Lists the objects of one namespace, of several, or of all; without permission to list across namespaces, one by one.

import type { StateSources } from "../../../inventory/run-states.ts";
import PQueue from "p-queue";
import type { Inventory, InventoryRun } from "../../../inventory/inventory.ts";
import { Listing } from "../../../inventory/listing.ts";
import { loadInventory, type InventoryQuery } from "../../../inventory/load.ts";
import type { KubeApi } from "../../../kube/client/api.ts";

/** The objects found, and in how many namespaces listing Jobs is forbidden. */
export interface ClusterListing {
  readonly inventory: Inventory;
  readonly forbiddenJobs: "none" | "some" | "all";
}

/** Namespaces listed at once: each takes some ten requests. */
const CONCURRENCY = 4;
const NAMESPACE_HINT = "no permission to list namespaces either; name the namespaces to clean up: -n ONE,TWO";

/** Of these namespaces; undefined: all. Throws KubeError when nothing can be listed. */
export async function listCluster(
  { kube, sources }: { readonly kube: Pick<KubeApi, "listPage">; readonly sources: StateSources },
  namespaces: readonly string[] | undefined,
  query: Omit<InventoryQuery, "namespace">,
): Promise<ClusterListing> {
  const one = (namespace: string | undefined): Promise<Inventory> =>
    loadInventory(kube, sources, { ...query, namespace });
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const each = (names: readonly string[]): Promise<readonly Inventory[]> =>
    queue.addAll(names.map((name) => () => one(name)));
  if (namespaces !== undefined) return merged(await each(namespaces));
  const all = await one(undefined);
  if (forbiddenJobsIn([all]) === "none") return merged([all]);
  const listing = new Listing(kube, query.signal);
  const found = await listing.all("namespaces", {});
  if (listing.forbidden.size === 0) return merged(await each(found.map(({ metadata }) => metadata.name)));
  return merged([all], [NAMESPACE_HINT]);
}

/** One inventory of all; a resource counts as forbidden if it is forbidden in every namespace. */
function merged(parts: readonly Inventory[], hints: readonly string[] = []): ClusterListing {
  const reliable = parts.map(withoutUnreliableDask);
  const [first, ...others] = parts.map(({ forbidden }) => forbidden);
  const everywhere = [...(first ?? [])].filter(([resource]) => others.every((each) => each?.has(resource)));
  const inventory = {
    runs: reliable.flatMap(({ runs }) => runs),
    unownedDask: reliable.flatMap(({ unownedDask }) => unownedDask),
    warnings: [...new Set(parts.flatMap(warningsOf)), ...hints],
    forbidden: new Map(everywhere),
  };
  return { inventory, forbiddenJobs: forbiddenJobsIn(parts) };
}

function forbiddenJobsIn(parts: readonly Inventory[]): ClusterListing["forbiddenJobs"] {
  const count = parts.filter(areJobsForbidden).length;
  if (count === 0) return "none";
  return count === parts.length ? "all" : "some";
}

function areJobsForbidden({ forbidden }: Inventory): boolean {
  return forbidden?.has("jobs") === true;
}

/** Without permission to list pods, every Dask cluster would seem to have none, and its Services to be leftovers. */
function withoutUnreliableDask(part: Inventory): Inventory {
  if (part.forbidden?.has("pods") !== true) return part;
  return { ...part, runs: part.runs.map((run): InventoryRun => ({ ...run, dask: [] })), unownedDask: [] };
}

/** If neither Jobs nor pods of a namespace may be listed, one warning is enough. */
function warningsOf(part: Inventory): readonly string[] {
  return areJobsForbidden(part) && part.forbidden?.has("pods") === true
    ? part.warnings.slice(0, 1)
    : part.warnings;
}
