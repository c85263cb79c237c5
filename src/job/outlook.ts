// Outlook: how one Job stands, read from its conditions, its pods and their events. Pure; `now` is not needed,
// graces are the verdict's business. Kubernetes 1.20 and current ones name things differently; both are read.

import type { Container, ContainerStatus, Job, Pod, Terminated } from "../kube/objects.ts";
import type { JobPrint } from "./footprint.ts";
import { eventsOf, flowContainerName, hasCondition } from "./footprint.ts";
import { disruptionTrouble } from "./disruption.ts";
import type { Trouble } from "./trouble.ts";
import { createTrouble, endTrouble, oneLine, startTrouble, waitingTrouble } from "./trouble.ts";

export type Outlook =
  /** In good order; `started`: the flow's container runs or ran. */
  | { readonly kind: "live"; readonly started: boolean }
  /** Waits for something that may well come: a node, a quota, a volume. */
  | { readonly kind: "pending"; readonly trouble: Trouble }
  /** Will not start unless somebody mends something. */
  | { readonly kind: "stuck"; readonly trouble: Trouble; readonly atOnce: boolean }
  /** The flow's container exited with 0, but another one keeps the pod. */
  | { readonly kind: "lingering"; readonly endedAt: Date | undefined }
  | { readonly kind: "succeeded"; readonly endedAt: Date | undefined }
  | { readonly kind: "failed"; readonly trouble: Trouble; readonly endedAt: Date | undefined }
  /** Lost to the cluster's own doings, not to its program's. */
  | { readonly kind: "disrupted"; readonly trouble: Trouble; readonly endedAt: Date | undefined }
  /** Deleted, or being deleted, before it was over. */
  | { readonly kind: "deleted"; readonly trouble: Trouble }
  | { readonly kind: "suspended" };

const AT_ONCE = new Set(["InvalidImageName", "Admission"]);
const PENDING = new Set(["Unschedulable", "Quota", "Volume", "NoPod"]);

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
  if (print.gone || job.metadata.deletionTimestamp !== undefined) return deletedOutlook(print);
  if (print.pods.some(({ status }) => status.phase === "Succeeded") && wanted(job) === 1) {
    return {
      kind: "succeeded",
      endedAt: podEnd(print.pods.find(({ status }) => status.phase === "Succeeded")),
    };
  }
  const dead = [...print.pods, ...print.departed].filter((pod) => isDead(pod, print));
  const living = print.pods.filter((pod) => !isDead(pod, print));
  if (living.length === 0 && dead.length > 0 && !makesAnother(job, dead.length)) return failedOutlook(print);
  if (hasCondition(job.status, "Suspended") || job.spec.suspend === true) return { kind: "suspended" };
  const worst = living.map((pod) => livingOutlook(pod, print));
  return worst.find(({ kind }) => kind === "live" || kind === "lingering") ?? worst[0] ?? podless(print);
}

function wanted(job: Job): number {
  return job.spec.completions ?? job.spec.parallelism ?? 1;
}

/** A pod that is over, or whose flow container is and will not be restarted; a departed one is over by definition. */
function isDead(pod: Pod, print: JobPrint): boolean {
  if (pod.status.phase === "Failed" || print.departed.includes(pod)) return true;
  if (pod.spec.restartPolicy !== "Never") return false;
  const end = flowStatus(pod)?.state?.terminated;
  return end !== undefined && end.exitCode !== 0;
}

/** Whether Kubernetes itself makes another pod: only a template sets a backoffLimit above 0. */
function makesAnother(job: Job, dead: number): boolean {
  const failures = Math.max(job.status.failed ?? 0, dead);
  return failures <= (job.spec.backoffLimit ?? 6);
}

function failedOutlook(print: JobPrint): Outlook {
  const { job } = print;
  const failed = (job.status.conditions ?? []).find(
    ({ type, status }) => status === "True" && (type === "Failed" || type === "FailureTarget"),
  );
  const endedAt = endOf(job) ?? podEnd(print.pods.find(({ status }) => status.phase === "Failed"));
  if (failed?.reason === "DeadlineExceeded") {
    const seconds = job.spec.activeDeadlineSeconds;
    const summary = `Job '${job.metadata.name}' ran longer than its deadline${seconds === undefined ? "" : ` of ${seconds} s`}`;
    const hint = "raise activeDeadlineSeconds in the job template";
    return { kind: "failed", trouble: { code: "DeadlineExceeded", summary, hint }, endedAt };
  }
  const dead = [...print.pods, ...print.departed];
  for (const pod of dead) {
    const trouble = disruptionTrouble(pod);
    if (trouble !== undefined) return { kind: "disrupted", trouble, endedAt };
  }
  for (const pod of dead) {
    const trouble = podEndTrouble(pod);
    if (trouble !== undefined) return { kind: "failed", trouble, endedAt };
  }
  return { kind: "failed", trouble: unexplained(print, failed?.message), endedAt };
}

function unexplained(print: JobPrint, message: string | undefined): Trouble {
  const name = print.job.metadata.name;
  const departed = print.departed[0];
  if (departed !== undefined || print.pods.length === 0) {
    const which = departed === undefined ? `the pod of Job '${name}'` : `pod '${departed.metadata.name}'`;
    const pod = departed?.metadata.name;
    return {
      code: "PodDeleted",
      summary: `${which} was deleted before it was done`,
      hint: "start the flow run again",
      pod,
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

/** What ended a pod badly: its containers, else its own reason. */
function podEndTrouble(pod: Pod): Trouble | undefined {
  const name = pod.metadata.name;
  const inits = (pod.status.initContainerStatuses ?? []).map((status) => ({ status, init: true }));
  const mains = (pod.status.containerStatuses ?? []).map((status) => ({ status, init: false }));
  const flow = flowContainerName(pod);
  const ordered = [...inits, ...mains].sort(
    (a, b) => Number(b.status.name === flow) - Number(a.status.name === flow),
  );
  for (const { status, init } of ordered) {
    const end = status.state?.terminated;
    const where = { pod: name, container: status.name, init };
    const trouble = end === undefined ? undefined : endTrouble(end, specOf(pod, status), where);
    if (trouble !== undefined) return trouble;
  }
  const { reason, message } = pod.status;
  if (reason === undefined && message === undefined) return undefined;
  const words = oneLine([reason, message].filter((part) => part !== undefined).join(": "));
  const code = reason === "DeadlineExceeded" ? "DeadlineExceeded" : "Unknown";
  return { code, summary: `pod '${name}' failed (${words})`, pod: name };
}

function livingOutlook(pod: Pod, print: JobPrint): Outlook {
  const end = flowStatus(pod)?.state?.terminated;
  if (end?.exitCode === 0 && pod.spec.restartPolicy !== "Always")
    return { kind: "lingering", endedAt: at(end) };
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  for (const status of statuses) {
    const trouble = waitingTrouble(status, specOf(pod, status), pod);
    if (trouble !== undefined) return stuck(trouble);
  }
  const started = flowStatus(pod)?.state?.running !== undefined;
  if (started || pod.status.phase !== "Pending") return { kind: "live", started };
  const trouble = startTrouble(pod, eventsOf(print, pod.metadata.uid));
  return trouble === undefined ? { kind: "live", started: false } : stuck(trouble);
}

function podless(print: JobPrint): Outlook {
  const trouble = createTrouble(eventsOf(print, print.job.metadata.uid));
  return trouble === undefined ? { kind: "live", started: false } : stuck(trouble);
}

function stuck(trouble: Trouble): Outlook {
  if (PENDING.has(trouble.code)) return { kind: "pending", trouble };
  return { kind: "stuck", trouble, atOnce: AT_ONCE.has(trouble.code) };
}

function flowStatus(pod: Pod): ContainerStatus | undefined {
  const name = flowContainerName(pod);
  return (pod.status.containerStatuses ?? []).find((status) => status.name === name);
}

function specOf(pod: Pod, status: ContainerStatus): Container | undefined {
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  return all.find(({ name }) => name === status.name);
}

function endOf(job: Job): Date | undefined {
  const text =
    job.status.completionTime ??
    (job.status.conditions ?? []).find(({ type, status }) => type === "Failed" && status === "True")
      ?.lastTransitionTime;
  return text === undefined ? undefined : new Date(text);
}

function podEnd(pod: Pod | undefined): Date | undefined {
  const ends = (pod?.status.containerStatuses ?? []).map((status) => status.state?.terminated);
  return at(ends.find((end) => end !== undefined));
}

function at(end: Terminated | undefined): Date | undefined {
  return end?.finishedAt === undefined ? undefined : new Date(end.finishedAt);
}
