// plan: what becomes of a flow run's Jobs. Finished ones go by age; one that lives goes only when Prefect says that its
// run is over, since Kubernetes alone cannot tell a stuck Job from a slow one.

import { formatDuration } from "../base/duration.ts";
import type { RunPrint } from "../inventory/inventory.ts";
import type { JobPrint } from "../job/observe/observed.ts";
import { hasCondition } from "../job/observe/observed.ts";
import { isKept } from "../job/labels.ts";
import { isOver, outlookOf } from "../job/observe/phase.ts";
import type { Job } from "../kube/client/objects.ts";
import { stateWord } from "../prefect3/states.ts";
import { isAlive } from "../prefect1/states.ts";
import { itemOf, ORDER } from "./item.ts";
import type { LeftAlone, OwnerRun, PlanItem } from "./item.ts";
import { ownerRun } from "./run-lifecycle.ts";
import type { Standing } from "./run-lifecycle.ts";

/** A flow run with what the rules look at. */
export interface RunCase {
  readonly print: RunPrint;
  readonly standing: Standing;
  readonly olderThanMs: number;
  readonly now: Date;
}

/** Either an item or the reason to leave it alone. */
export type Opinion = Pick<PlanItem, "ground" | "why"> | { readonly stays: string };

/** The run's Jobs, each to go or to stay; those that are gone or going are neither. */
export function planJobs(subject: RunCase): { items: PlanItem[]; leftAlone: LeftAlone[] } {
  const items: PlanItem[] = [];
  const leftAlone: LeftAlone[] = [];
  const run = ownerRun(subject.print);
  for (const print of subject.print.footprint.jobs) {
    const { metadata } = print.job;
    if (print.gone || metadata.deletionTimestamp !== undefined) continue;
    const opinion = opinionOn(print, subject);
    if ("stays" in opinion) leftAlone.push({ ...stayOf(print.job, run), why: opinion.stays });
    else items.push({ ...jobItem(print.job, run), ...opinion });
  }
  return { items, leftAlone };
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

function opinionOn(print: JobPrint, subject: RunCase): Opinion {
  if (isKept(print.job.metadata)) return { stays: "annotated prefect.io/keep" };
  return isOver(print.job) ? onFinished(print, subject) : onLiving(print, subject);
}

function onFinished({ job }: JobPrint, subject: RunCase): Opinion {
  const { print, now, olderThanMs } = subject;
  const sinceMs = now.getTime() - endOfJob(job).getTime();
  const word = hasCondition(job.status, "Complete") ? "succeeded" : "failed";
  if (sinceMs < olderThanMs) return { stays: `${word} only ${formatDuration(sinceMs)} ago` };
  const { run } = print;
  const others = print.footprint.jobs.some((other) => !other.gone && !isOver(other.job));
  // It is the evidence by which an agent tells how the run went; a newer Job of the run makes it history.
  if (run.kind === "known" && isAlive(run.state.type) && !others) {
    return { stays: `${word}, but its flow run is still ${stateWord(run.state)}` };
  }
  return { ground: "finished", why: `${word} ${formatDuration(sinceMs)} ago` };
}

function onLiving(print: JobPrint, subject: RunCase): Opinion {
  const { standing, olderThanMs, now } = subject;
  if (standing.kind !== "over") return { stays: `not over, ${standing.words}` };
  const since = standing.since ?? new Date(print.job.metadata.creationTimestamp);
  const sinceMs = now.getTime() - since.getTime();
  if (sinceMs < olderThanMs) return { stays: `${standing.words}, only since ${formatDuration(sinceMs)}` };
  const outlook = outlookOf(print);
  const isHeld = outlook.kind === "stuck" || outlook.kind === "pending";
  const how = isHeld && subject.print.podsUnseen !== true ? outlook.trouble.code : "still there";
  return { ground: "orphaned", why: `${standing.words}, the Job is ${howOf(how)}` };
}

function howOf(code: string): string {
  return code === "still there" ? code : `stuck (${code})`;
}

function jobItem(job: Job, run: OwnerRun): Omit<PlanItem, "ground" | "why"> {
  return {
    ...itemOf(job.metadata),
    resource: "jobs",
    run,
    cluster: undefined,
    order: ORDER.job,
    running: jobRuns(job),
  };
}

function stayOf({ metadata }: Job, run: OwnerRun): Omit<LeftAlone, "why"> {
  return { resource: "jobs", ref: { namespace: metadata.namespace, name: metadata.name }, run };
}
