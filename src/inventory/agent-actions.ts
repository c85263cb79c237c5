// Inventory: what an agent for Prefect 1 would do next with a run, for people. Pure.

import type { Decision } from "../job/decide/types.ts";
import { formatDuration } from "../base/duration.ts";
import { hasDeletableParts, isDeletedWithRun, type ObservedCluster } from "../dask/dask-cluster.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { isKept } from "../job/labels.ts";
import type { InventoryRun } from "./inventory.ts";
import { isGone } from "./run-owner.ts";

const NEW_STATES = { fail: "Failed", reschedule: "Scheduled again", cancelled: "Cancelled" };

/** At least one line. */
export function agentActions(run: InventoryRun, decision: Decision): readonly string[] {
  const { owner, observed, status } = run;
  if (run.prefectVersion === 2) return ["nothing: a worker of Prefect 2 or 3 manages this flow run"];
  if (run.podsForbidden === true) return ["unknown: no permission to list its pods"];
  if (observed.jobs.length === 0) return [withoutJob(run)];
  const changes = changesOf(run, decision);
  const actions: string[] = [];
  if (owner !== undefined && isGone(owner))
    actions.push(`adopt it, if its name is "${owner.name}" or it has all labels of the flow run`);
  if (status.kind === "unknown" && changes.length > 0)
    actions.push("read the flow run's state from Prefect first");
  actions.push(...changes);
  for (const { job, pods } of observed.jobs) {
    const pod = pods.find(({ metadata }) => isKept(metadata));
    if (isKept(job.metadata)) actions.push(`keep Job ${job.metadata.name}: annotated prefect.io/keep`);
    else if (pod !== undefined)
      actions.push(`keep Job ${job.metadata.name}: pod ${pod.metadata.name} is annotated prefect.io/keep`);
  }
  return actions.length === 0 ? ["nothing: the flow run has no problem"] : actions;
}

function changesOf(run: InventoryRun, decision: Decision): readonly string[] {
  const { transition, deletions, heartbeat, requeueAfterMs, reason: shown } = decision;
  const dask = clustersToDelete(run, decision).map(
    ({ name }) => `delete Dask cluster ${name}: nothing else deletes it`,
  );
  const state = transition ? [`set the flow run ${transitionText(transition)}`] : [];
  const changes = transition?.kind === "fail" ? [...state, ...dask] : [...dask, ...state];
  for (const { job, reason } of deletions)
    changes.push(`delete Job ${job.metadata.name}${reason === shown ? "" : `: ${reason}`}`);
  if (heartbeat && run.status.kind === "known")
    changes.push("send heartbeats, so that Prefect does not start the flow run a second time");
  if (requeueAfterMs !== undefined) changes.push(`check again in ${formatDuration(requeueAfterMs)}`);
  return changes;
}

/** Some messages begin with the state. */
function transitionText({ kind, message }: NonNullable<Decision["transition"]>): string {
  const name = NEW_STATES[kind];
  return message.startsWith(name) ? message : `${name}: ${message}`;
}

/** None while a pod of the flow itself is running in a Job that is kept: the flow manages its workers. */
function clustersToDelete(
  { status, dask, observed }: InventoryRun,
  { deleteDask, deletions }: Decision,
): readonly ObservedCluster[] {
  if (!deleteDask) return [];
  const deleted = new Set(deletions.map(({ job }) => job.metadata.uid));
  const kept = observed.jobs.filter(({ job }) => !deleted.has(job.metadata.uid));
  if (kept.some(({ pods }) => !pods.every(isEnding))) return [];
  return dask.filter((cluster) => isDeletedWithRun(cluster, status) && hasDeletableParts(cluster));
}

function withoutJob({ status }: InventoryRun): string {
  const type = status.state?.type;
  if (type === "scheduled") return "start it, once it is due, if the agent has all of its labels";
  if (type === "pending")
    return "create its Job, if the agent has claimed it and the run's log tells of no Job that ended";
  return "nothing: the flow run has no Job here";
}
