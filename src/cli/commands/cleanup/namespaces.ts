// cleanup's look at one namespace, at several, or at all; where not all may be listed at once, at each by itself.

import type { InventoryQuery } from "../../../inventory/query.ts";
import type { StateSources } from "../../../inventory/run-states.ts";
import { Limit } from "../../../base/limit.ts";
import { blindnessOf, mergeInventories } from "../../../cleanup/merge-inventories.ts";
import type { Blindness } from "../../../cleanup/merge-inventories.ts";
import type { Inventory } from "../../../inventory/inventory.ts";
import { loadInventory } from "../../../inventory/load.ts";
import type { KubeApi } from "../../../kube/client/api.ts";
import { listAll } from "../../../kube/client/api.ts";
import { KubeError } from "../../../kube/client/errors.ts";

/** Where to look; undefined: everywhere. */
export type Namespaces = readonly string[] | undefined;

/** What was seen, and how much of it could not be. */
export interface Look {
  readonly inventory: Inventory;
  readonly blindness: Blindness;
}

/** Namespaces at once: each is some ten lists. */
const AT_ONCE = 4;
const HOW_TO_NAME = "namespaces cannot be listed either; name those that you may clean up: -n ONE,TWO";

/** Throws KubeError when the cluster cannot be asked at all. */
export async function lookAround(
  world: { readonly kube: Pick<KubeApi, "listPage">; readonly sources: StateSources },
  namespaces: Namespaces,
  query: Omit<InventoryQuery, "namespace">,
): Promise<Look> {
  const { kube, sources } = world;
  const one = (namespace: string | undefined): Promise<Inventory> =>
    loadInventory(kube, sources, { ...query, namespace });
  if (namespaces !== undefined) return runAll(await each(namespaces, one));
  const everywhere = await one(undefined);
  if (blindnessOf([everywhere]) === "none") return runAll([everywhere]);
  const names = await namesOf(kube, query.signal);
  if (names !== undefined) return runAll(await each(names, one));
  return runAll([{ ...everywhere, warnings: [...everywhere.warnings, HOW_TO_NAME] }]);
}

function runAll(parts: readonly Inventory[]): Look {
  const [only] = parts;
  const inventory = parts.length === 1 && only !== undefined ? only : mergeInventories(parts);
  return { inventory, blindness: blindnessOf(parts) };
}

async function each(
  namespaces: readonly string[],
  one: (namespace: string) => Promise<Inventory>,
): Promise<readonly Inventory[]> {
  const limit = new Limit(AT_ONCE);
  return Promise.all(namespaces.map((namespace) => limit.run(() => one(namespace))));
}

/** Undefined when they may not be listed. */
async function namesOf(
  kube: Pick<KubeApi, "listPage">,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | undefined> {
  const names: string[] = [];
  try {
    for await (const { metadata } of listAll(kube, "namespaces", { signal })) names.push(metadata.name);
    return names;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return undefined;
    throw error;
  }
}
