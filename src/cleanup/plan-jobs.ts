// plan: which of a flow run's Jobs to delete. A finished Job is deleted after some time; an unfinished one only when Prefect
// says that its run is over, since Kubernetes alone cannot tell a stuck Job from a slow one.

import { formatDuration } from "../base/duration.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { ObservedJob } from "../job/observe/observed.ts";
import { hasCondition } from "../job/observe/observed.ts";
import { isKept } from "../job/labels.ts";
import { isJobFinished, jobPhase } from "../job/observe/phase.ts";
import { isPodActive } from "../dask/pod-status.ts";
import type { Job, Pod } from "../kube/client/objects.ts";
import { isActive } from "../orchestrator/flow-run.ts";
import { itemOf, ORDER } from "./item.ts";
import type { KeepOrDelete, Kept, OwnerRun, PlanItem } from "./item.ts";
import { ownerRun } from "./run-lifecycle.ts";
import type { RunLifecycle } from "./run-lifecycle.ts";

/** A flow run, and what the rules need. */
export interface JobPlanInput {
  readonly run: InventoryRun;
  readonly lifecycle: RunLifecycle;
  /** Why all its Jobs are kept, if they are. */
  readonly keep?: string | undefined;
  readonly olderThanMs: number;
  readonly now: Date;
}

/** The run's Jobs, each to delete or to keep; those that are deleted or being deleted are neither. */
export function planJobs(input: JobPlanInput): { items: PlanItem[]; kept: Kept[] } {
  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  const owner = ownerRun(input.run);
  for (const observed of input.run.observed.jobs) {
    const { metadata } = observed.job;
    if (observed.gone) {
      planPods(observed, input, { items, kept });
      continue;
    }
    if (metadata.deletionTimestamp !== undefined) continue;
    const plan = planJob(observed, input);
    if ("keep" in plan) kept.push({ ...keptJob(observed.job, owner), reason: plan.keep });
    else items.push({ ...jobItem(observed.job, owner), ...plan });
  }
  return { items, kept };
}

/** The pods that a deleted Job has let go: nobody else deletes them. */
function planPods(
  { pods }: ObservedJob,
  input: JobPlanInput,
  { items, kept }: { readonly items: PlanItem[]; readonly kept: Kept[] },
): void {
  const run = ownerRun(input.run);
  for (const pod of pods) {
    const { metadata } = pod;
    if (metadata.deletionTimestamp !== undefined) continue;
    const plan = planPod(pod, input);
    const ref = { namespace: metadata.namespace, name: metadata.name };
    if ("keep" in plan) kept.push({ resource: "pods", ref, run, reason: plan.keep });
    else {
      const running = isPodActive(pod);
      items.push({
        ...itemOf(metadata),
        ...plan,
        resource: "pods",
        run,
        cluster: undefined,
        order: ORDER.job,
        running,
      });
    }
  }
}

function planPod(pod: Pod, { keep, lifecycle, olderThanMs, now }: JobPlanInput): KeepOrDelete {
  if (isKept(pod.metadata)) return { keep: "annotated prefect.io/keep" };
  if (keep !== undefined) return { keep };
  const without = "its Job was deleted";
  if (lifecycle.kind !== "over") return { keep: `${without}, ${lifecycle.text}` };
  const since = lifecycle.since ?? new Date(pod.metadata.creationTimestamp);
  const sinceMs = now.getTime() - since.getTime();
  if (sinceMs < olderThanMs) return { keep: `${lifecycle.text} (for only ${formatDuration(sinceMs)})` };
  return { reason: isPodActive(pod) ? "orphaned" : "finished", message: `${without}, ${lifecycle.text}` };
}

/** When a finished Job finished. */
export function endOfJob({ status, metadata }: Job): Date {
  const end = status.conditions?.find(
    ({ type, status: value }) => (type === "Complete" || type === "Failed") && value === "True",
  );
  return new Date(status.completionTime ?? end?.lastTransitionTime ?? metadata.creationTimestamp);
}

/** Whether the Job's status counts a ready pod. */
export function jobRuns({ status }: Job): boolean {
  return (status.ready ?? 0) > 0;
}

function planJob(observed: ObservedJob, input: JobPlanInput): KeepOrDelete {
  if (isKept(observed.job.metadata)) return { keep: "annotated prefect.io/keep" };
  if (input.keep !== undefined) return { keep: input.keep };
  return isJobFinished(observed.job) ? planFinishedJob(observed, input) : planUnfinishedJob(observed, input);
}

function planFinishedJob({ job }: ObservedJob, { run, now, olderThanMs }: JobPlanInput): KeepOrDelete {
  const sinceMs = now.getTime() - endOfJob(job).getTime();
  const result = hasCondition(job.status, "Complete") ? "succeeded" : "failed";
  if (sinceMs < olderThanMs) return { keep: `${result} only ${formatDuration(sinceMs)} ago` };
  const { status } = run;
  const hasUnfinished = run.observed.jobs.some((other) => !other.gone && !isJobFinished(other.job));
  // The agent reports the run's result from this Job, unless the run has a newer one.
  if (status.kind === "known" && isActive(status.state.type) && !hasUnfinished) {
    return { keep: `${result}, but its flow run is still ${status.state.name}` };
  }
  return { reason: "finished", message: `${result} ${formatDuration(sinceMs)} ago` };
}

function planUnfinishedJob(
  observed: ObservedJob,
  { run, lifecycle, olderThanMs, now }: JobPlanInput,
): KeepOrDelete {
  if (lifecycle.kind !== "over") return { keep: `not finished, ${lifecycle.text}` };
  const since = lifecycle.since ?? new Date(observed.job.metadata.creationTimestamp);
  const sinceMs = now.getTime() - since.getTime();
  if (sinceMs < olderThanMs) return { keep: `${lifecycle.text} (for only ${formatDuration(sinceMs)})` };
  const phase = jobPhase(observed);
  const problem =
    phase.kind === "waiting" && run.podsForbidden !== true
      ? `is stuck (${phase.problem.reason})`
      : "still exists";
  return { reason: "orphaned", message: `${lifecycle.text}, but the Job ${problem}` };
}

function jobItem(job: Job, run: OwnerRun): Omit<PlanItem, "reason" | "message"> {
  return {
    ...itemOf(job.metadata),
    resource: "jobs",
    run,
    cluster: undefined,
    order: ORDER.job,
    running: jobRuns(job),
  };
}

function keptJob({ metadata }: Job, run: OwnerRun): Omit<Kept, "reason"> {
  return { resource: "jobs", ref: { namespace: metadata.namespace, name: metadata.name }, run };
}
