// How the containers of a pod terminated. A native sidecar (an init container with restartPolicy Always) is killed after
// the flow has terminated, so its termination is ignored.

import type { Container, ContainerStatus, Pod, Terminated } from "../../kube/client/objects.ts";
import { flowContainerName } from "./observed.ts";
import type { Problem } from "./problem.ts";
import { terminationProblem, oneLine } from "./problem.ts";

/** 128 + SIGKILL and 128 + SIGTERM: the exit codes of containers of a deleted pod. */
const KILLED = new Set([137, 143]);

/** Whether the pod failed, or the flow's container failed and will not be restarted. */
export function hasFailed(pod: Pod): boolean {
  if (pod.status.phase === "Failed") return true;
  if (pod.spec.restartPolicy !== "Never") return false;
  const terminated = flowStatus(pod)?.state?.terminated;
  return terminated !== undefined && terminated.exitCode !== 0;
}

/** Whether the flow's container exited with 0 and will not be restarted. */
export function flowSucceeded(pod: Pod): boolean {
  return flowStatus(pod)?.state?.terminated?.exitCode === 0 && pod.spec.restartPolicy !== "Always";
}

/** Whether the pod was deleted and its containers terminated only because of that. */
export function wasKilledByDeletion(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  return terminations(pod).every(
    ({ terminated }) =>
      terminated.exitCode === 0 || (KILLED.has(terminated.exitCode) && terminated.reason !== "OOMKilled"),
  );
}

/** Why a pod failed: its deadline, a container, else the reason in its status. */
export function podTerminationProblem(pod: Pod): Problem | undefined {
  const { name } = pod.metadata;
  const { reason, message } = pod.status;
  const details = oneLine([reason, message].filter((part) => part !== undefined && part !== "").join(": "));
  if (reason === "DeadlineExceeded")
    return { reason: "DeadlineExceeded", message: `pod '${name}' failed (${details})`, pod: name };
  for (const { status, terminated, init } of terminations(pod)) {
    const problem = terminationProblem(terminated, specOf(pod, status), {
      pod: name,
      container: status.name,
      init,
    });
    if (problem !== undefined) return problem;
  }
  return details === ""
    ? undefined
    : { reason: "Unknown", message: `pod '${name}' failed (${details})`, pod: name };
}

/** When the flow's container terminated, else another one. */
export function podTerminatedAt(pod: Pod | undefined): Date | undefined {
  const finishedAt = pod === undefined ? undefined : terminations(pod)[0]?.terminated.finishedAt;
  return finishedAt === undefined ? undefined : new Date(finishedAt);
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

/** The spec of the container with this status. */
export function specOf(pod: Pod, status: ContainerStatus): Container | undefined {
  return [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].find(
    ({ name }) => name === status.name,
  );
}

interface Termination {
  readonly status: ContainerStatus;
  readonly terminated: Terminated;
  readonly init: boolean;
}

/** Terminated containers, the flow's first; for a restarted one, its last termination. */
function terminations(pod: Pod): Termination[] {
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
      const terminated = status.state?.terminated ?? status.lastState?.terminated;
      return terminated === undefined ? [] : [{ status, init, terminated }];
    });
}
