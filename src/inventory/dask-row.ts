// Inventory: one Dask cluster as a line of a table, or as an object for -o json. Pure.

import { partsOf, podsOf, type ObservedCluster } from "../dask/dask-cluster.ts";
import { createdMs } from "../job/observe/observed.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import type { JsonObject } from "../base/json.ts";
import { lifecycleOf } from "../orchestrator/flow-run.ts";
import type { RunSummary } from "./diagnosis.ts";
import type { InventoryRun } from "./inventory.ts";
import { podObject, flowRunObject } from "./job-row.ts";
import { restartsOf } from "./pod-status.ts";

/** When its oldest part was created. */
export function daskCreatedAt(dask: ObservedCluster): Date | undefined {
  const timesMs = partsOf(dask).map(createdMs);
  return timesMs.length === 0 ? undefined : new Date(Math.min(...timesMs));
}

/** Its name in tables: a DaskCluster of the operator is a Kubernetes resource, others are not. */
export function daskName({ kind, name }: ObservedCluster): string {
  return kind === "operator" ? `daskcluster/${name}` : `dask/${name}`;
}

/** What -o json and yaml print of it. `run`: the one that it belongs to, maybe only by a guess. */
export function daskObject(
  dask: ObservedCluster,
  run: InventoryRun | undefined,
  podsForbidden: boolean,
): JsonObject {
  const { name, namespace, kind, owner } = dask;
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "DaskCluster",
    metadata: { name, namespace, creationTimestamp: daskCreatedAt(dask)?.toISOString() },
    cluster: { kind, attributedBy: owner?.by ?? null },
    flowRun: run === undefined ? null : flowRunObject(run),
    ...daskDecision(dask, run, podsForbidden),
    pods: podsForbidden ? null : podsOf(dask).map(podObject),
    restarts: podsForbidden ? null : restartsOf(podsOf(dask)),
    services: dask.services.map(({ metadata }) => metadata.name),
    podDisruptionBudgets: dask.budgets.map(({ metadata }) => metadata.name),
  };
}

export function daskDecision(
  dask: ObservedCluster,
  run: InventoryRun | undefined,
  podsForbidden: boolean,
): RunSummary {
  if (dask.kind === "gateway") return { status: "active", reason: "managed by dask-gateway" };
  if (podsForbidden && dask.resource === undefined)
    return { status: "active", reason: "it may have pods (no permission to list pods)" };
  const isRunning = dask.resource !== undefined || !podsOf(dask).every(hasEnded);
  if (!isRunning) return { status: "finished", reason: "none of its pods is running" };
  if (run === undefined) return { status: "unowned", reason: "running, but its flow run is unknown" };
  const attribution = `attributed to its flow run by ${dask.owner?.by ?? "nothing"}`;
  const { kind, text } = lifecycleOf(run.status);
  if (kind === "over") return { status: "orphaned", reason: `${text} (${attribution})` };
  return { status: "active", reason: attribution };
}
