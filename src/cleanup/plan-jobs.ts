// plan: which of a flow run's Jobs to delete. A finished Job is deleted after some time; an unfinished one only when Prefect
// says that its run is over, since Kubernetes alone cannot tell a stuck Job from a slow one.

import { formatDuration } from "../base/duration.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import { isMadeByPrefect } from "../job/labels.ts";
import { createdMs, hasCondition, isDeleted, type ObservedJob } from "../job/observe/observed.ts";
import { finishedAt, isJobFinished, jobPhase } from "../job/observe/phase.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import type { Job, Meta, Pod } from "../kube/client/objects.ts";
import { PlanDraft, type KeepOrDelete, type Plan } from "./item.ts";
import type { PlannedRun } from "./run-lifecycle.ts";

/** Why a Job is kept whose pods, which would go with it, may not be listed. */
export const PODS_UNKNOWN = "without permission to list pods it is not known whether one is to be kept";

interface JobPlanInput extends PlannedRun {
  readonly olderThanMs: number;
  readonly now: Date;
}

/** The run's Jobs, each to delete or to keep, and the pods that a deleted Job has let go: nobody else deletes them. */
export function planJobs(input: JobPlanInput): Plan {
  const { run, keep } = input;
  const draft = new PlanDraft({ run, keep });
  const newestMs = newestJobMs(run);
  for (const observed of run.observed.jobs) {
    const { job, pods, gone } = observed;
    const plan = isJobFinished(job)
      ? planFinishedJob(job, newestMs, input)
      : planUnfinishedJob(observed, input);
    if (!gone) draft.add("job", job, { running: jobRuns(job), pods, ...plan });
    else for (const pod of pods) draft.add("pod", pod, { running: !hasEnded(pod), ...planPod(pod, input) });
  }
  return draft;
}

function planPod(pod: Pod, input: JobPlanInput): KeepOrDelete {
  const message = `its Job was deleted, ${input.lifecycle.text}`;
  const keep = keepWithRun(pod, input);
  if (keep !== undefined) return { keep: input.lifecycle.kind === "over" ? keep : message };
  return { reason: hasEnded(pod) ? "finished" : "orphaned", message };
}

/** Why what has not finished is kept with its run; undefined: the run has been over for long enough. */
function keepWithRun(
  { metadata }: { readonly metadata: Meta },
  { lifecycle, olderThanMs, now }: JobPlanInput,
): string | undefined {
  if (lifecycle.kind !== "over") return `not finished, ${lifecycle.text}`;
  const since = lifecycle.since ?? new Date(metadata.creationTimestamp);
  const sinceMs = now.getTime() - since.getTime();
  return sinceMs < olderThanMs ? `${lifecycle.text} (for only ${formatDuration(sinceMs)})` : undefined;
}

/** Whether the Job's status counts a ready pod. */
export function jobRuns({ status }: Job): boolean {
  return (status.ready ?? 0) > 0;
}

/** When the newest Job was created that Prefect made for the run, and that is not deleted. */
function newestJobMs({ observed }: InventoryRun): number {
  const counted = observed.jobs.filter((each) => !isDeleted(each) && isMadeByPrefect(each.job.metadata));
  return Math.max(...counted.map(({ job }) => createdMs(job)));
}

function planFinishedJob(
  job: Job,
  newestMs: number,
  { run, lifecycle, now, olderThanMs }: JobPlanInput,
): KeepOrDelete {
  const sinceMs = now.getTime() - (finishedAt(job) ?? new Date(job.metadata.creationTimestamp)).getTime();
  const result = hasCondition(job.status, "Complete") ? "succeeded" : "failed";
  if (sinceMs < olderThanMs) return { keep: `${result} only ${formatDuration(sinceMs)} ago` };
  // The agent reports the run's result from its newest Job.
  const isOfFlow = !isMadeByPrefect(job.metadata);
  const isReplaced = !isOfFlow && createdMs(job) < newestMs;
  if (isOfFlow && run.status.kind === "unknown")
    return { keep: `${result}, but its flow run, which made it, may be at work` };
  if (!isReplaced && run.status.kind === "known" && lifecycle.kind === "alive")
    return { keep: `${result}, but its flow run is still ${run.status.state.name}` };
  if (!isReplaced && run.unread === true)
    return { keep: `${result}, but the state of its flow run could not be read` };
  if (run.podsForbidden === true) return { keep: `${result}, but ${PODS_UNKNOWN}` };
  return { reason: "finished", message: `${result} ${formatDuration(sinceMs)} ago` };
}

function planUnfinishedJob(observed: ObservedJob, input: JobPlanInput): KeepOrDelete {
  const keep = keepWithRun(observed.job, input);
  if (keep !== undefined) return { keep };
  if (input.run.podsForbidden === true) return { keep: PODS_UNKNOWN };
  const phase = jobPhase(observed);
  const problem = phase.kind === "waiting" ? `is stuck (${phase.problem.reason})` : "still exists";
  return { reason: "orphaned", message: `${input.lifecycle.text}, but the Job ${problem}` };
}
