// How the containers of a pod terminated. A native sidecar (an init container with restartPolicy Always) is killed after
// the flow has terminated, so its termination is ignored.

import type { ContainerStatus, Job, Pod, Terminated } from "../../kube/client/objects.ts";
import { containerStatuses, flowContainerName, flowStatus, lastEnd, specOf } from "./flow-container.ts";
import { restartsContainer } from "./kubernetes-retries.ts";
import { conditionOf } from "./observed.ts";
import { because, type Problem } from "./problem.ts";
import { terminationProblem } from "./termination.ts";

/** 128 + SIGKILL and 128 + SIGTERM: the exit codes of containers of a deleted pod. */
const KILLED = new Set([137, 143]);

/** Of a container that the kubelet has ended for the rule of another (Kubernetes 1.35, pkg/kubelet/kubelet_pods.go). */
const RESTARTED_WITH_ALL = "RestartingAllContainers";

/** Whether none of the pod's containers runs any more. */
export function hasEnded({ status }: Pod): boolean {
  return status.phase === "Succeeded" || status.phase === "Failed";
}

/** Whether the pod has ended, or is being deleted. */
export function isEnding(pod: Pod): boolean {
  return hasEnded(pod) || pod.metadata.deletionTimestamp !== undefined;
}

/** Whether the flow failed in this pod, and is not started again in it. The flow's own exit decides, not a sidecar's. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (flowSucceeded(pod)) return false;
  if (pod.status.phase === "Failed") return true;
  return flowFailure(pod) !== undefined && !restartsContainer(job, pod);
}

/** Whether the flow's container exited with 0. */
export function flowSucceeded(pod: Pod): boolean {
  return !wasEndedByKubelet(pod) && flowStatus(pod)?.state?.terminated?.exitCode === 0;
}

/**
 * The kubelet gives a failed pod a reason only if it has stopped or refused it, whatever its containers' exit codes; where it tells
 * when (Kubernetes 1.26), the flow may have ended before.
 */
function wasEndedByKubelet(pod: Pod): boolean {
  const { phase, reason = "" } = pod.status;
  const isTimed = conditionOf(pod.status, "DisruptionTarget") !== undefined;
  return phase === "Failed" && reason !== "" && (!isTimed || wasStopped(pod));
}

/** How the flow's container last failed; the kubelet may have started it again since. */
export function flowFailure(pod: Pod): Terminated | undefined {
  const end = lastEnd(flowStatus(pod));
  return end?.exitCode === 0 || end?.reason === RESTARTED_WITH_ALL ? undefined : end;
}

/** Whether the flow's container runs, or ran. */
export function flowStarted(pod: Pod): boolean {
  const status = flowStatus(pod);
  return (status?.state?.running ?? lastEnd(status)) !== undefined;
}

/** Whether the flow ended only after somebody had begun to stop its pod. */
export function wasStopped(pod: Pod): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  const disruptedAt = conditionOf(pod.status, "DisruptionTarget")?.lastTransitionTime;
  const deletedMs = Date.parse(deletionTimestamp ?? "") - deletionGracePeriodSeconds * 1_000;
  const stops = [deletedMs, Date.parse(disruptedAt ?? "")].filter((ms) => !Number.isNaN(ms));
  const ended = flowStatus(pod)?.state?.terminated?.finishedAt;
  // Without a time of its end nobody knows which came first.
  return stops.length > 0 && (ended === undefined || Date.parse(ended) >= Math.min(...stops));
}

/** Whether the pod was deleted and its containers terminated only because of that. */
export function wasKilledByDeletion(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  return terminations(pod).every(
    ({ terminated }) =>
      terminated.exitCode === 0 || (KILLED.has(terminated.exitCode) && terminated.reason !== "OOMKilled"),
  );
}

/** The kubelet's words (pkg/kubelet/eviction, localStorageEviction). */
const OWN_STORAGE =
  /exceeds the total limit of containers|exceeded its local ephemeral storage limit|Usage of EmptyDir volume/;

/** Whether the pod was evicted for its own limit of storage: the run's fault, which Kubernetes calls no disruption. */
export function isOverOwnStorage({ status: { reason, message = "" } }: Pod): boolean {
  return reason === "Evicted" && OWN_STORAGE.test(message);
}

/** Why a pod failed: its deadline, its own limit of storage, a container, else the reason in its status. */
export function podTerminationProblem(pod: Pod): Problem | undefined {
  const { name } = pod.metadata;
  const { reason } = pod.status;
  const details = because(reason, pod.status.message);
  const message = `pod '${name}' failed (${details})`;
  if (reason === "DeadlineExceeded") return { reason, message, pod: name };
  if (isOverOwnStorage(pod)) {
    const over = `pod '${name}' used more storage than it may (${details})`;
    const hint = "raise the limits of ephemeral-storage and of emptyDir volumes, or write less";
    return { reason: "Evicted", message: over, hint, pod: name };
  }
  for (const { status, terminated, init } of terminations(pod)) {
    const where = { pod: name, container: status.name, init };
    const problem = terminationProblem(terminated, specOf(pod, status), where);
    const hasRestarted = status.state?.terminated === undefined;
    if (problem !== undefined) return hasRestarted ? { ...problem, hasRestarted } : problem;
  }
  return details === "" ? undefined : { reason: "Unknown", message, pod: name };
}

/** When the flow's container terminated, else another one. */
export function podTerminatedAt(pod: Pod | undefined): Date | undefined {
  const finishedAt = pod === undefined ? undefined : terminations(pod)[0]?.terminated.finishedAt;
  // containerd writes 0 where it does not know (restart.go, unknownContainerStatus).
  return finishedAt === undefined || Date.parse(finishedAt) <= 0 ? undefined : new Date(finishedAt);
}

/**
 * When a finished pod's last container terminated; for an evicted pod without container statuses, its last condition
 * change; else its creation. Undefined for a pod that has not finished.
 */
export function podFinishedAt(pod: Pod): Date | undefined {
  if (!hasEnded(pod)) return undefined;
  const ends = containerStatuses(pod).map(({ state }) => state?.terminated?.finishedAt);
  const changes = (pod.status.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime);
  return latest(ends) ?? latest(changes) ?? new Date(pod.metadata.creationTimestamp);
}

function latest(texts: readonly (string | undefined)[]): Date | undefined {
  const times = texts.map((text) => Date.parse(text ?? "")).filter((ms) => !Number.isNaN(ms));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/**
 * Whether a container that was restarted before has crashed again and will be restarted: for a short time the kubelet
 * shows it as terminated before it shows CrashLoopBackOff.
 */
export function isCrashing(pod: Pod, status: ContainerStatus): boolean {
  const terminated = status.state?.terminated;
  if (terminated === undefined || terminated.exitCode === 0 || (status.restartCount ?? 0) === 0) return false;
  return (specOf(pod, status)?.restartPolicy ?? pod.spec.restartPolicy) !== "Never";
}

/** When a container was last restarted after a crash. */
export function restartedAfterCrashAt(pod: Pod): Date | undefined {
  const crashed = containerStatuses(pod).filter(
    ({ lastState }) => (lastState?.terminated?.exitCode ?? 0) !== 0,
  );
  return latest(crashed.map(({ state }) => state?.running?.startedAt));
}

/** Terminated containers, the flow's first; for a restarted one, its last termination. */
function terminations(pod: Pod) {
  const flow = flowContainerName(pod);
  const inits = pod.status.initContainerStatuses ?? [];
  return containerStatuses(pod)
    .filter((status) => !inits.includes(status) || specOf(pod, status)?.restartPolicy !== "Always")
    .toSorted((a, b) => Number(b.name === flow) - Number(a.name === flow))
    .flatMap((status) => {
      const terminated = lastEnd(status);
      return terminated === undefined ? [] : [{ status, init: inits.includes(status), terminated }];
    });
}
