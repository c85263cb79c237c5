// plan: what becomes of a flow run's Jobs. Finished ones go by age; one that lives goes only when Prefect says that its
// run is over, since Kubernetes alone cannot tell a stuck Job from a slow one.

import { formatDuration } from "../base/duration.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { ObservedJob } from "../job/observe/observed.ts";
import { hasCondition } from "../job/observe/observed.ts";
import { isKept } from "../job/labels.ts";
import { isOver, jobPhase } from "../job/observe/phase.ts";
import type { Job } from "../kube/client/objects.ts";
import { isActive } from "../orchestrator/flow-run.ts";
import { itemOf, ORDER } from "./item.ts";
import type { Kept, OwnerRun, PlanItem } from "./item.ts";
import { ownerRun } from "./run-lifecycle.ts";
import type { Standing } from "./run-lifecycle.ts";

/** A flow run with what the rules look at. */
export interface RunCase {
  readonly print: InventoryRun;
  readonly standing: Standing;
  readonly olderThanMs: number;
  readonly now: Date;
}

/** Either an item or the reason to leave it alone. */
export type JobDecision = Pick<PlanItem, "reason" | "message"> | { readonly stays: string };

/** The run's Jobs, each to go or to stay; those that are gone or going are neither. */
export function planJobs(subject: RunCase): { items: PlanItem[]; kept: Kept[] } {
  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  const run = ownerRun(subject.print);
  for (const print of subject.print.observed.jobs) {
    const { metadata } = print.job;
    if (print.gone || metadata.deletionTimestamp !== undefined) continue;
    const jobDecision = opinionOn(print, subject);
    if ("stays" in jobDecision) kept.push({ ...stayOf(print.job, run), reason: jobDecision.stays });
    else items.push({ ...jobItem(print.job, run), ...jobDecision });
  }
  return { items, kept };
}

/** Since when a finished Job is over. */
export function endOfJob({ status, metadata }: Job): Date {
  const end = status.conditions?.find(
    ({ type, status: holds }) => (type === "Complete" || type === "Failed") && holds === "True",
  );
  return new Date(status.completionTime ?? end?.lastTransitionTime ?? metadata.creationTimestamp);
}

/** Whether a container of it runs, by the Job's own count. */
export function jobRuns({ status }: Job): boolean {
  return (status.ready ?? 0) > 0;
}

function opinionOn(print: ObservedJob, subject: RunCase): JobDecision {
  if (isKept(print.job.metadata)) return { stays: "annotated prefect.io/keep" };
  return isOver(print.job) ? onFinished(print, subject) : onLiving(print, subject);
}

function onFinished({ job }: ObservedJob, subject: RunCase): JobDecision {
  const { print, now, olderThanMs } = subject;
  const sinceMs = now.getTime() - endOfJob(job).getTime();
  const word = hasCondition(job.status, "Complete") ? "succeeded" : "failed";
  if (sinceMs < olderThanMs) return { stays: `${word} only ${formatDuration(sinceMs)} ago` };
  const { status: run } = print;
  const others = print.observed.jobs.some((other) => !other.gone && !isOver(other.job));
  // It is the evidence by which an agent tells how the run went; a newer Job of the run makes it history.
  if (run.kind === "known" && isActive(run.state.type) && !others) {
    return { stays: `${word}, but its flow run is still ${run.state.name}` };
  }
  return { reason: "finished", message: `${word} ${formatDuration(sinceMs)} ago` };
}

function onLiving(print: ObservedJob, subject: RunCase): JobDecision {
  const { standing, olderThanMs, now } = subject;
  if (standing.kind !== "over") return { stays: `not over, ${standing.words}` };
  const since = standing.since ?? new Date(print.job.metadata.creationTimestamp);
  const sinceMs = now.getTime() - since.getTime();
  if (sinceMs < olderThanMs) return { stays: `${standing.words}, only since ${formatDuration(sinceMs)}` };
  const phase = jobPhase(print);
  const isHeld = phase.kind === "stuck" || phase.kind === "pending";
  const how = isHeld && subject.print.podsForbidden !== true ? phase.problem.reason : "still there";
  return { reason: "orphaned", message: `${standing.words}, the Job is ${howOf(how)}` };
}

function howOf(code: string): string {
  return code === "still there" ? code : `stuck (${code})`;
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

function stayOf({ metadata }: Job, run: OwnerRun): Omit<Kept, "reason"> {
  return { resource: "jobs", ref: { namespace: metadata.namespace, name: metadata.name }, run };
}
