// Inventory: everything that flow runs have in the cluster, of Prefect 0.x to 3, with the runs' states beside it.
// One model for `jobs`, `inspect`, `logs`, `cleanup` and `cancel`: they differ only in what they show and do.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { KubeError } from "../kube/client/errors.ts";
import type { Resource } from "../kube/client/objects.ts";
import type { ObservedRun } from "../job/observe/observed.ts";

/** Which Prefect a run belongs to, by its labels: 1 (0.x and 1.x, underscores) or 2 (2.x and 3.x, hyphens). */
export type PrefectVersion = 1 | 2;

/** One flow run: its Jobs with pods and events, its Dask clusters, its state. */
export interface InventoryRun {
  readonly flowRunId: string;
  readonly prefectVersion: PrefectVersion;
  readonly namespace: string;
  /** From Prefect, or from labels; undefined when neither knows. */
  readonly name: string | undefined;
  readonly status: RunStatus;
  readonly observed: ObservedRun;
  /** Its pods may not be listed: that there are none in the observed says nothing. */
  readonly podsForbidden?: boolean | undefined;
  readonly dask: readonly ObservedCluster[];
}

/** What was found, and what could not be looked at. */
export interface Inventory {
  readonly runs: readonly InventoryRun[];
  /** Dask clusters that belong to no known run. */
  readonly unownedDask: readonly ObservedCluster[];
  /** One line for each resource that could not be listed, or that Prefect did not answer for. */
  readonly warnings: readonly string[];
  /** Resources that this user may not list; nothing is known of them. */
  readonly forbidden?: readonly Resource[] | undefined;
  /** The server's own answer for each of them. */
  readonly refusals?: ReadonlyMap<Resource, KubeError> | undefined;
}
