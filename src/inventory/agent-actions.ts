// Inventory: what an agent of Prefect 1 would do next with a run, in lines for people. Pure.

import type { Decision, Transition } from "../job/decide/types.ts";
import { formatDuration } from "../base/duration.ts";
import { hasMore, isEndedWith } from "../dask/ended-with.ts";
import { isLiving } from "../dask/pod-life.ts";
import { isKept } from "../job/labels.ts";
import { apiAddress, apiServers } from "../job/api-address.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { InventoryRun } from "./inventory.ts";

/** At least one line. */
export function agentActions(run: InventoryRun, decision: Decision): readonly string[] {
  if (run.prefectVersion === 2) return ["leave it alone: it is the worker's of Prefect 2 or 3"];
  if (run.podsForbidden === true) return ["not to be told: its pods may not be listed"];
  if (run.observed.jobs.length === 0) return [withoutJob(run)];
  if (run.status.kind === "missing" && !namesItsPrefect(run))
    return ["nothing: no address on its Job says that the run is of the agent's own Prefect"];
  const settling = decision.transition === undefined ? [] : [settlingLine(decision.transition)];
  const clearing = clustersToEnd(run, decision).map(
    ({ name }) => `delete Dask cluster ${name}: nothing else ends it`,
  );
  const doing = [
    ...(decision.transition?.kind === "fail" ? [...settling, ...clearing] : [...clearing, ...settling]),
    ...decision.deletions.map(({ job, reason: why }) => {
      const because = why === decision.reason ? "" : `: ${why}`;
      return `delete Job ${job.metadata.name}${because}`;
    }),
    ...(decision.heartbeat && run.status.kind === "known"
      ? ["keep the run's heartbeat up, so that Prefect does not start it a second time"]
      : []),
    ...(decision.requeueAfterMs === undefined
      ? []
      : [`look again in ${formatDuration(decision.requeueAfterMs)}`]),
  ];
  const unsure =
    run.status.kind === "unknown" && doing.length > 0 ? ["ask Prefect for the run's state first"] : [];
  const kept = run.observed.jobs.filter(({ job }) => isKept(job.metadata));
  const leaving = kept.map(({ job }) => `leave Job ${job.metadata.name}: annotated prefect.io/keep`);
  const actions = [...unsure, ...doing, ...leaving];
  return actions.length === 0 ? ["nothing: all is in order"] : actions;
}

/** Only so does an agent believe that a run was deleted; Cloud's address is that of other tenants, too. */
function namesItsPrefect({ observed }: InventoryRun): boolean {
  return observed.jobs.every(({ job }) => apiServers(job).some((url) => apiAddress(url) !== undefined));
}

/** None while a pod of the flow itself lives on: its workers are not for an agent to take. */
function clustersToEnd(
  { status: run, dask, observed }: InventoryRun,
  { deleteDask: clear, deletions: remove }: Decision,
): readonly ObservedCluster[] {
  if (!clear) return [];
  const leaving = new Set(remove.map(({ job }) => job.metadata.uid));
  const staying = observed.jobs.filter(({ job }) => !leaving.has(job.metadata.uid));
  const isAtWork = staying.some(({ pods }) =>
    pods.some((pod) => isLiving(pod) && pod.metadata.deletionTimestamp === undefined),
  );
  return isAtWork ? [] : dask.filter((cluster) => isEndedWith(cluster, run) && hasMore(cluster));
}

function withoutJob({ status: run }: InventoryRun): string {
  const type = run.kind === "known" ? run.state.type : "";
  if (type === "scheduled") return "start it when it is due, if all of its labels are the agent's too";
  if (type === "pending") return "make its Job, if the agent has claimed it";
  return "nothing: no Job of the run is here";
}

function settlingLine(settle: Transition): string {
  switch (settle.kind) {
    case "fail":
      return `set the run Failed: ${settle.message}`;
    case "reschedule":
      return `schedule the run anew: ${settle.message}`;
    case "cancelled":
      return `set the run Cancelled: ${settle.message}`;
  }
}
