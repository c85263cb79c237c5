// RUN for commands that only read: found by the labels of its Jobs, then in Prefect.

import { isUuid } from "../base/uuid.ts";
import { loadInventory } from "../inventory/load.ts";
import { fromCluster, parseRunRef, resolveRun } from "./flow-run-ref.ts";
import type { ResolvedRun, ResolveOptions } from "./flow-run-ref.ts";
import type { ClusterScope } from "./cluster-scope.ts";
import type { RunDirectories } from "./run-directories.ts";

/** The run. Throws as resolveRun does, and KubeError without permission to list Jobs. */
export async function findRun(
  text: string,
  { connection, namespace }: ClusterScope,
  deps: Pick<ResolveOptions, "signal" | "now"> & { readonly directories: RunDirectories },
): Promise<ResolvedRun> {
  const { directories, signal } = deps;
  const ref = parseRunRef(text);
  const fieldSelector = ref.kind === "job" ? `metadata.name=${ref.name}` : undefined;
  const byId = isUuid(text) ? { flowRunId: text.toLowerCase() } : {};
  const query = { namespace, fieldSelector, ...byId, signal };
  const inventory = await loadInventory(connection.kube, directories.byVersion, query);
  const refusal = inventory.refusals?.get("jobs");
  if (refusal !== undefined) throw refusal;
  return resolveRun(text, { ...deps, inventory, namespace, mustBeUnique: false });
}

/** The runs of the Jobs with these labels. Throws KubeError without permission to list Jobs. */
export async function selectedRuns(
  labelSelector: string,
  { connection, namespace }: ClusterScope,
  { directories, signal }: { readonly directories: RunDirectories; readonly signal: AbortSignal },
): Promise<readonly ResolvedRun[]> {
  const query = { namespace, labelSelector, signal };
  const { runs, refusals } = await loadInventory(connection.kube, directories.byVersion, query);
  const refusal = refusals?.get("jobs");
  if (refusal !== undefined) throw refusal;
  return runs.map(fromCluster);
}
