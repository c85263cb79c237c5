// Inventory: everything that flow runs of Prefect 0.x to 3 have in the cluster, with the runs' states: the model of `jobs`,
// `inspect`, `logs`, `cleanup` and `cancel`.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { KubeError } from "../kube/client/errors.ts";
import type { Resource } from "../kube/client/objects.ts";
import type { ObservedRun } from "../job/observe/observed.ts";
import type { RunOwner } from "./run-owner.ts";

/** The Prefect version of a run, by its labels: 1 (0.x and 1.x, with underscores) or 2 (2.x and 3.x, with hyphens). */
export type PrefectVersion = 1 | 2;

/** One flow run: its Jobs with pods and events, its Dask clusters, its state. */
export interface InventoryRun {
  readonly flowRunId: string;
  readonly prefectVersion: PrefectVersion;
  readonly namespace: string;
  /** From Prefect, or from a label. */
  readonly name: string | undefined;
  readonly status: RunStatus;
  /** Its state is unknown only because its configured Prefect did not tell. */
  readonly unread?: boolean | undefined;
  readonly observed: ObservedRun;
  /** The user may not list pods: that `observed` has none means nothing. */
  readonly podsForbidden?: boolean | undefined;
  readonly dask: readonly ObservedCluster[];
  /** Its agent, if the query asks for it and Prefect tells. */
  readonly owner?: RunOwner | undefined;
}

/** What was found, and what could not be read. */
export interface Inventory {
  readonly runs: readonly InventoryRun[];
  /** Dask clusters that belong to no known run. */
  readonly unownedDask: readonly ObservedCluster[];
  /** One line for each resource that could not be listed, and for states that could not be read. */
  readonly warnings: readonly string[];
  /** Resources that the user may not list, with the server's error; their objects are unknown. */
  readonly forbidden?: ReadonlyMap<Resource, KubeError> | undefined;
}

/** What the server has said to lists that the user may not read, each once. */
export function refusalsIn({ forbidden = new Map() }: Pick<Inventory, "forbidden">): readonly string[] {
  return [...new Set([...forbidden.values()].map(({ message }) => message))];
}

/** A run that has nothing in the cluster. */
export function withoutObjects(run: Omit<InventoryRun, "observed" | "dask">): InventoryRun {
  return { ...run, observed: { flowRunId: run.flowRunId, jobs: [] }, dask: [] };
}

/** All Dask clusters, those of runs first. */
export function clustersIn(found: Pick<Inventory, "runs" | "unownedDask">): readonly ObservedCluster[] {
  return [...found.runs.flatMap(({ dask }) => dask), ...found.unownedDask];
}
