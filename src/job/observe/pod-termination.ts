// Pod's end: which container ended how, and whether by itself. A native sidecar (an init container that restarts
// Always) runs beside the flow and is killed after it: its end says nothing.

import type { Container, ContainerStatus, Pod, Terminated } from "../../kube/client/objects.ts";
import { flowContainerName } from "./observed.ts";
import type { Problem } from "./problem.ts";
import { endProblem, oneLine } from "./problem.ts";

/** 128 + SIGKILL and 128 + SIGTERM: how containers of a deleted pod end. */
const KILLED = new Set([137, 143]);

/** Whether the pod failed, or the container of the flow did and will not be restarted. */
export function isDead(pod: Pod): boolean {
  if (pod.status.phase === "Failed") return true;
  if (pod.spec.restartPolicy !== "Never") return false;
  const end = flowStatus(pod)?.state?.terminated;
  return end !== undefined && end.exitCode !== 0;
}

/** Whether the flow's container ended with 0 for good. */
export function endedWell(pod: Pod): boolean {
  return flowStatus(pod)?.state?.terminated?.exitCode === 0 && pod.spec.restartPolicy !== "Always";
}

/** Whether the pod was deleted, and its containers ended for that and for nothing else. */
export function wasKilled(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  return ends(pod).every(
    ({ end }) => end.exitCode === 0 || (KILLED.has(end.exitCode) && end.reason !== "OOMKilled"),
  );
}

/** What ended a pod badly: its deadline, its containers, else its own reason. */
export function podEndProblem(pod: Pod): Problem | undefined {
  const { name } = pod.metadata;
  const { reason, message } = pod.status;
  const words = oneLine([reason, message].filter((part) => part !== undefined && part !== "").join(": "));
  if (reason === "DeadlineExceeded")
    return { reason: "DeadlineExceeded", message: `pod '${name}' failed (${words})`, pod: name };
  for (const { status, end, init } of ends(pod)) {
    const problem = endProblem(end, specOf(pod, status), { pod: name, container: status.name, init });
    if (problem !== undefined) return problem;
  }
  return words === ""
    ? undefined
    : { reason: "Unknown", message: `pod '${name}' failed (${words})`, pod: name };
}

/** When the flow's container ended, else another one. */
export function podEnd(pod: Pod | undefined): Date | undefined {
  const finishedAt = pod === undefined ? undefined : ends(pod)[0]?.end.finishedAt;
  return finishedAt === undefined ? undefined : new Date(finishedAt);
}

/**
 * Whether the container, restarted before, has just crashed once more and will be restarted again: the kubelet shows
 * its end for a while before it calls the pause CrashLoopBackOff.
 */
export function isCrashing(pod: Pod, status: ContainerStatus): boolean {
  const end = status.state?.terminated;
  if (end === undefined || end.exitCode === 0 || (status.restartCount ?? 0) === 0) return false;
  return (specOf(pod, status)?.restartPolicy ?? pod.spec.restartPolicy) !== "Never";
}

/** When a container that had crashed was started again, the latest of them. */
export function crashedBefore(pod: Pod): Date | undefined {
  const all = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const times = all.flatMap(({ state, lastState }) => {
    const crashed = lastState?.terminated !== undefined && lastState.terminated.exitCode !== 0;
    return crashed && state?.running?.startedAt !== undefined ? [state.running.startedAt] : [];
  });
  const latest = times.toSorted().at(-1);
  return latest === undefined ? undefined : new Date(latest);
}

/** The status of the container that runs the flow. */
export function flowStatus(pod: Pod): ContainerStatus | undefined {
  const name = flowContainerName(pod);
  return (pod.status.containerStatuses ?? []).find((status) => status.name === name);
}

/** The container that a status is about. */
export function specOf(pod: Pod, status: ContainerStatus): Container | undefined {
  return [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].find(
    ({ name }) => name === status.name,
  );
}

interface End {
  readonly status: ContainerStatus;
  readonly end: Terminated;
  readonly init: boolean;
}

/** Containers that ended, the flow's first; one that is being restarted counts with its last end. */
function ends(pod: Pod): End[] {
  const inits = (pod.status.initContainerStatuses ?? []).filter(
    (status) => specOf(pod, status)?.restartPolicy !== "Always",
  );
  const all = [
    ...inits.map((status) => ({ status, init: true })),
    ...(pod.status.containerStatuses ?? []).map((status) => ({ status, init: false })),
  ];
  const flow = flowContainerName(pod);
  return all
    .toSorted((a, b) => Number(b.status.name === flow) - Number(a.status.name === flow))
    .flatMap(({ status, init }) => {
      const end = status.state?.terminated ?? status.lastState?.terminated;
      return end === undefined ? [] : [{ status, init, end }];
    });
}
