// plan: which of a flow run's Jobs to delete. A finished Job is deleted after some time; an unfinished one only when Prefect
// says that its run is over, since Kubernetes alone cannot tell a stuck Job from a slow one.

import { formatDuration } from "../base/duration.ts";
import { hasCondition, type ObservedJob } from "../job/observe/observed.ts";
import { finishedAt, isJobFinished, jobPhase } from "../job/observe/phase.ts";
import { isPodActive } from "../dask/pod-status.ts";
import type { Job, Meta, Pod } from "../kube/client/objects.ts";
import { isActive } from "../orchestrator/flow-run.ts";
import { PlanDraft, type KeepOrDelete, type Plan } from "./item.ts";
import { ownerRun, type PlannedRun } from "./run-lifecycle.ts";

/** A flow run, and what the rules need. */
interface JobPlanInput extends PlannedRun {
  readonly olderThanMs: number;
  readonly now: Date;
}

/** The run's Jobs, each to delete or to keep, and the pods that a deleted Job has let go: nobody else deletes them. */
export function planJobs(input: JobPlanInput): Plan {
  const { run, keep } = input;
  const draft = new PlanDraft({ run: ownerRun(run), keep });
  for (const observed of run.observed.jobs) {
    const { job, pods, gone } = observed;
    const plan = isJobFinished(job) ? planFinishedJob : planUnfinishedJob;
    if (!gone) draft.add("job", job, { running: jobRuns(job), ...plan(observed, input) });
    else for (const pod of pods) draft.add("pod", pod, { running: isPodActive(pod), ...planPod(pod, input) });
  }
  return draft;
}

function planPod(pod: Pod, input: JobPlanInput): KeepOrDelete {
  const message = `its Job was deleted, ${input.lifecycle.text}`;
  const keep = keepWithRun(pod, input);
  if (keep !== undefined) return { keep: input.lifecycle.kind === "over" ? keep : message };
  return { reason: isPodActive(pod) ? "orphaned" : "finished", message };
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

function planFinishedJob({ job }: ObservedJob, { run, now, olderThanMs }: JobPlanInput): KeepOrDelete {
  const sinceMs = now.getTime() - (finishedAt(job) ?? new Date(job.metadata.creationTimestamp)).getTime();
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

function planUnfinishedJob(observed: ObservedJob, input: JobPlanInput): KeepOrDelete {
  const keep = keepWithRun(observed.job, input);
  if (keep !== undefined) return { keep };
  const phase = jobPhase(observed);
  const isStuck = phase.kind === "waiting" && input.run.podsForbidden !== true;
  const problem = isStuck ? `is stuck (${phase.problem.reason})` : "still exists";
  return { reason: "orphaned", message: `${input.lifecycle.text}, but the Job ${problem}` };
}
