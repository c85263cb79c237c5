// The STATUS of a pod, as `kubectl get pods` shows it (kubernetes/pkg/printers, printPod). Pure.

import { containerStatuses, specOf } from "../job/observe/flow-container.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import type { ContainerState, ContainerStatus, Pod } from "../kube/client/objects.ts";

/** Running, Completed, Error, ImagePullBackOff, Init:0/1, Terminating …; Unknown if the pod has no status. */
export function podStatus(pod: Pod): string {
  const { status, metadata } = pod;
  if (metadata.deletionTimestamp !== undefined && !hasEnded(pod))
    return status.reason === "NodeLost" ? "Unknown" : "Terminating";
  return initStatus(pod) ?? mainStatus(pod, status.reason ?? gated(pod) ?? status.phase ?? "Unknown");
}

/** Whether the pod is running and all its containers are ready. */
export function isReady(pod: Pod): boolean {
  const { phase, containerStatuses: statuses = [] } = pod.status;
  return phase === "Running" && statuses.length > 0 && statuses.every(({ ready }) => ready === true);
}

/** How many of the pods are ready, and the status of one of them: `1/1 Running`. */
export function podsText(pods: readonly Pod[], shown: Pod | undefined): string {
  const counted = `${pods.filter(isReady).length}/${pods.length}`;
  return shown === undefined ? counted : `${counted} ${podStatus(shown)}`;
}

/** The restarts of all containers of these pods. */
export function restartsOf(pods: readonly Pod[]): number {
  return pods.flatMap(containerStatuses).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
}

function gated(pod: Pod): string | undefined {
  const scheduled = pod.status.conditions?.find(({ type }) => type === "PodScheduled");
  return scheduled?.reason === "SchedulingGated" ? scheduled.reason : undefined;
}

/** The status of the first unfinished init container; undefined if there is none. */
function initStatus(pod: Pod): string | undefined {
  const { initContainers = [] } = pod.spec;
  const statuses = pod.status.initContainerStatuses ?? [];
  const at = statuses.findIndex((status) => !isDone(status, pod));
  const state = statuses[at]?.state;
  if (at === -1) return undefined;
  if (state?.terminated !== undefined) return `Init:${terminationReason(state) ?? ""}`;
  const waiting = state?.waiting?.reason ?? "";
  return waiting !== "" && waiting !== "PodInitializing"
    ? `Init:${waiting}`
    : `Init:${at}/${initContainers.length}`;
}

function isDone(status: ContainerStatus, pod: Pod): boolean {
  if (status.state?.terminated?.exitCode === 0) return true;
  return status.started === true && specOf(pod, status)?.restartPolicy === "Always";
}

function mainStatus(pod: Pod, otherwise: string): string {
  const statuses = pod.status.containerStatuses ?? [];
  // kubectl, too, shows the first container's reason.
  const reasons = statuses.map(({ state }) => state?.waiting?.reason || terminationReason(state));
  const reason = reasons.find((each) => each !== undefined && each !== "") ?? otherwise;
  const isRunning = statuses.some(({ ready, state }) => ready === true && state?.running !== undefined);
  return reason === "Completed" && isRunning ? "Running" : reason;
}

function terminationReason(state: ContainerState | undefined): string | undefined {
  const end = state?.terminated;
  if (end === undefined) return undefined;
  if (end.reason !== undefined && end.reason !== "") return end.reason;
  return end.signal === undefined || end.signal === 0 ? `ExitCode:${end.exitCode}` : `Signal:${end.signal}`;
}
