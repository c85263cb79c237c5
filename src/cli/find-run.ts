// RUN for commands that only read: found by the labels of its Jobs, then in Prefect.

import { isUuid } from "../base/uuid.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { loadInventory, type InventoryQuery } from "../inventory/load.ts";
import { parseRunRef, resolveRun, type ResolvedRun } from "./flow-run-ref.ts";
import type { ListScope } from "./cluster-scope.ts";

/** The inventory of the scope. Throws KubeError without permission to list Jobs. */
export async function listJobs(
  { kube, namespace, directories, signal }: ListScope,
  query: Omit<InventoryQuery, "namespace" | "signal">,
): Promise<Inventory> {
  const inventory = await loadInventory(kube, directories, { ...query, namespace, signal });
  const refusal = inventory.forbidden?.get("jobs");
  if (refusal !== undefined) throw refusal;
  return inventory;
}

/** The run. Throws as resolveRun and listJobs do. */
export async function findRun(text: string, scope: ListScope): Promise<ResolvedRun> {
  const { job } = parseRunRef(text);
  const fieldSelector = job === undefined ? undefined : `metadata.name=${job}`;
  const flowRunId = isUuid(text) ? text.toLowerCase() : undefined;
  const inventory = await listJobs(scope, { fieldSelector, flowRunId });
  return resolveRun(text, { ...scope, inventory, mustBeUnique: false });
}
