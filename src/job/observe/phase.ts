// Outlook: how one Job stands, read from its conditions, its pods and their events. Pure; `now` is not needed,
// graces are the verdict's business. Kubernetes 1.20 and current ones name things differently; both are read.

import type { Job, Pod } from "../../kube/client/objects.ts";
import type { JobPrint } from "./observed.ts";
import { eventsOf, flowContainerName, hasCondition } from "./observed.ts";
import { disruptionTrouble } from "./disruption.ts";
import {
  crashedBefore,
  endedWell,
  isCrashing,
  flowStatus,
  isDead,
  podEnd,
  podEndTrouble,
  specOf,
  wasKilled,
} from "./pod-termination.ts";
import type { Trouble } from "./problem.ts";
import { crashTrouble, createTrouble, oneLine, startTrouble, waitingTrouble } from "./problem.ts";

export type Outlook =
  /** In good order; `started`: the flow's container runs or ran; `restartedAt`: it, or another, had crashed before. */
  | { readonly kind: "live"; readonly started: boolean; readonly restartedAt?: Date | undefined }
  /** Waits for something that may well come: a node, a quota, a volume. */
  | { readonly kind: "pending"; readonly trouble: Trouble }
  /** Will not start unless somebody mends something. */
  | { readonly kind: "stuck"; readonly trouble: Trouble; readonly atOnce: boolean }
  /** The flow's container exited with 0, but another one keeps the pod. */
  | { readonly kind: "lingering"; readonly endedAt: Date | undefined }
  | { readonly kind: "succeeded"; readonly endedAt: Date | undefined }
  | FailedOutlook
  /** Lost to the cluster's own doings, not to its program's. */
  | { readonly kind: "disrupted"; readonly trouble: Trouble; readonly endedAt: Date | undefined }
  /** Deleted, or being deleted, before it was over. */
  | { readonly kind: "deleted"; readonly trouble: Trouble }
  | { readonly kind: "suspended" };

/** `isGuess`: no pod is seen to have ended or to go; why it failed may be on its way to us. */
export interface FailedOutlook {
  readonly kind: "failed";
  readonly trouble: Trouble;
  readonly endedAt: Date | undefined;
  readonly isGuess?: boolean;
}

const AT_ONCE = new Set(["InvalidImageName", "Admission"]);
const PENDING = new Set(["Unschedulable", "Quota", "Volume", "NoPod"]);
/** What Kubernetes takes where a Job does not say. */
const BACKOFF_LIMIT = 6;

/** Whether the Job is over, for better or worse, by its own conditions. */
export function isOver(job: Job): boolean {
  return hasCondition(job.status, "Complete") || hasCondition(job.status, "Failed");
}

/** Whether the run is still in good hands with this Job. */
export function isLive(outlook: Outlook): boolean {
  return outlook.kind === "live" || outlook.kind === "pending" || outlook.kind === "suspended";
}

/** How the Job stands. */
export function outlookOf(print: JobPrint): Outlook {
  const { job } = print;
  if (hasCondition(job.status, "Complete") || hasCondition(job.status, "SuccessCriteriaMet")) {
    return { kind: "succeeded", endedAt: endOf(job) };
  }
  if (hasCondition(job.status, "Failed") || hasCondition(job.status, "FailureTarget"))
    return failedOutlook(print);
  const isGoing = print.gone || job.metadata.deletionTimestamp !== undefined;
  const all = [...print.pods, ...print.departed];
  const done = all.find((pod) => pod.status.phase === "Succeeded" || (isGoing && endedWell(pod)));
  if (done !== undefined && wanted(job) === 1) return { kind: "succeeded", endedAt: podEnd(done) };
  const dead = all.filter((pod) => isDead(pod));
  if (isGoing) return dead.some((pod) => !wasKilled(pod)) ? failedOutlook(print) : deletedOutlook(print);
  const living = print.pods.filter((pod) => !dead.includes(pod));
  if (living.length === 0 && dead.length > 0 && !makesAnother(job, dead.length)) return failedOutlook(print);
  if (hasCondition(job.status, "Suspended") || job.spec.suspend === true) return { kind: "suspended" };
  return bestOf(living, print);
}

/** The pods that stay count before those that are being deleted, good ones before bad ones. */
function bestOf(living: readonly Pod[], print: JobPrint): Outlook {
  const staying = living.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const outlooks = (staying.length > 0 ? staying : living).map((pod) => livingOutlook(pod, print));
  return (
    outlooks.find(({ kind }) => kind === "live" || kind === "lingering") ?? outlooks[0] ?? podless(print)
  );
}

function wanted(job: Job): number {
  return job.spec.completions ?? job.spec.parallelism ?? 1;
}

/** Whether Kubernetes itself makes another pod: only a template sets a backoffLimit above 0. */
function makesAnother(job: Job, dead: number): boolean {
  const failures = Math.max(job.status.failed ?? 0, dead);
  return failures <= (job.spec.backoffLimit ?? BACKOFF_LIMIT);
}

function failedOutlook(print: JobPrint): Outlook {
  const { job } = print;
  const failed = (job.status.conditions ?? []).find(
    ({ type, status }) => status === "True" && (type === "Failed" || type === "FailureTarget"),
  );
  const all = [...print.pods, ...print.departed];
  const endedAt = endOf(job) ?? podEnd(all.find((pod) => isDead(pod)));
  if (failed?.reason === "DeadlineExceeded")
    return { kind: "failed", trouble: deadlineTrouble(job, all[0]), endedAt };
  // The newest pod tells how it ended; older ones were Kubernetes' earlier tries.
  const newestFirst = all.toSorted((a, b) => madeAt(b) - madeAt(a));
  for (const pod of newestFirst) {
    const disruption = disruptionTrouble(pod);
    if (disruption !== undefined) return { kind: "disrupted", trouble: disruption, endedAt };
    const end = wasKilled(pod) ? undefined : podEndTrouble(pod);
    if (end !== undefined) return { kind: "failed", trouble: end, endedAt };
  }
  const deleted =
    print.departed[0] ?? print.pods.find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const trouble = unexplained(print, deleted, failed?.message);
  return { kind: "failed", trouble, endedAt, isGuess: deleted === undefined };
}

function madeAt({ metadata }: Pod): number {
  return new Date(metadata.creationTimestamp).getTime();
}

function deadlineTrouble(job: Job, pod: Pod | undefined): Trouble {
  const seconds = job.spec.activeDeadlineSeconds;
  return {
    code: "DeadlineExceeded",
    summary: `Job '${job.metadata.name}' ran longer than its deadline${seconds === undefined ? "" : ` of ${seconds} s`}`,
    hint: "raise activeDeadlineSeconds in the job template",
    pod: pod?.metadata.name,
    container: pod === undefined ? undefined : flowContainerName(pod),
  };
}

/** No pod tells of an end of its own: somebody deleted it, or nobody says anything. */
function unexplained(print: JobPrint, deleted: Pod | undefined, message: string | undefined): Trouble {
  const name = print.job.metadata.name;
  if (deleted !== undefined || print.pods.length === 0) {
    const which = deleted === undefined ? `the pod of Job '${name}'` : `pod '${deleted.metadata.name}'`;
    return {
      code: "PodDeleted",
      summary: `${which} was deleted before it was done`,
      hint: "start the flow run again",
      pod: deleted?.metadata.name,
      container: deleted === undefined ? undefined : flowContainerName(deleted),
    };
  }
  const words = message === undefined || message === "" ? "no reason given" : oneLine(message);
  return { code: "Unknown", summary: `Job '${name}' failed (${words})` };
}

function deletedOutlook(print: JobPrint): Outlook {
  const name = print.job.metadata.name;
  const summary = `Job '${name}' was deleted before it was done`;
  return { kind: "deleted", trouble: { code: "JobDeleted", summary, hint: "start the flow run again" } };
}

function livingOutlook(pod: Pod, print: JobPrint): Outlook {
  if (endedWell(pod)) return { kind: "lingering", endedAt: podEnd(pod) };
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  for (const status of statuses) {
    const spec = specOf(pod, status);
    const trouble = isCrashing(pod, status)
      ? crashTrouble(status, spec, pod)
      : waitingTrouble(status, spec, pod);
    if (trouble !== undefined) return stuck(trouble);
  }
  const started = flowStatus(pod)?.state?.running !== undefined;
  if (started || pod.status.phase !== "Pending")
    return { kind: "live", started, restartedAt: crashedBefore(pod) };
  const trouble = startTrouble(pod, eventsOf(print, pod.metadata.uid));
  return trouble === undefined
    ? { kind: "live", started: false, restartedAt: crashedBefore(pod) }
    : stuck(trouble);
}

function podless(print: JobPrint): Outlook {
  const { name, uid } = print.job.metadata;
  return stuck(
    createTrouble(eventsOf(print, uid)) ?? { code: "NoPod", summary: `Job '${name}' has no pod yet` },
  );
}

function stuck(trouble: Trouble): Outlook {
  if (PENDING.has(trouble.code)) return { kind: "pending", trouble };
  return { kind: "stuck", trouble, atOnce: AT_ONCE.has(trouble.code) };
}

function endOf(job: Job): Date | undefined {
  const text =
    job.status.completionTime ??
    (job.status.conditions ?? []).find(({ type, status }) => type === "Failed" && status === "True")
      ?.lastTransitionTime;
  return text === undefined ? undefined : new Date(text);
}
