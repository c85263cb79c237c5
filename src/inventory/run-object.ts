// Inventory: a run with all its objects as one object, for -o json and yaml. Pure.

import type { JsonObject } from "../base/json.ts";
import { lastSeenAt, timesSeen, type KubeEvent } from "../kube/client/objects.ts";
import { jobPhase, phaseName } from "../job/observe/phase.ts";
import { daskObject } from "./dask-row.ts";
import type { Diagnosis, PlannedAction } from "./diagnosis.ts";
import type { InventoryRun } from "./inventory.ts";
import { flowRunObject, metadataObject, podObject, runMetadata } from "./job-row.ts";

/** Its fields are a contract. `cleanup`: what that command would do. */
export function runObject(
  run: InventoryRun,
  diagnosis: Diagnosis,
  cleanup: readonly PlannedAction[],
): JsonObject {
  return {
    apiVersion: "kubectl-prefect/v1",
    kind: "FlowRun",
    metadata: runMetadata(run),
    flowRun: flowRunObject(run),
    status: diagnosis.status,
    reason: diagnosis.reason,
    jobs: run.observed.jobs.map((job) => ({
      metadata: metadataObject(job),
      deleted: job.gone,
      phase: run.podsForbidden === true ? null : phaseName(jobPhase(job)),
      jobStatus: job.job.status,
      pods: run.podsForbidden === true ? null : job.pods.map(podObject),
      events: job.events.map(eventObject),
    })),
    dask: run.dask.map((dask) => daskObject(dask, run, run.podsForbidden === true)),
    diagnosis: { ...diagnosis, cleanup },
  };
}

function eventObject(event: KubeEvent): JsonObject {
  const { involvedObject, type, reason, message } = event;
  const lastSeen = lastSeenAt(event)?.toISOString();
  return { involvedObject, type, reason, message, count: timesSeen(event), lastSeen };
}
