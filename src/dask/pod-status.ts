// Whether a pod is active, and when it finished.

import type { Pod } from "../kube/client/objects.ts";

/** Whether the pod has not finished; a finished pod never runs again. */
export function isPodActive(pod: Pod): boolean {
  return pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed";
}

/**
 * When a finished pod's last container terminated; for an evicted pod without container statuses, its last condition
 * change; else its creation. Undefined for an active pod.
 */
export function podFinishedAt(pod: Pod): Date | undefined {
  if (isPodActive(pod)) return undefined;
  const containers = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const terminations = containers.map((status) => status.state?.terminated?.finishedAt);
  const changes = (pod.status.conditions ?? []).map((condition) => condition.lastTransitionTime);
  return latest(terminations) ?? latest(changes) ?? new Date(pod.metadata.creationTimestamp);
}

function latest(texts: readonly (string | undefined)[]): Date | undefined {
  const times = texts.flatMap((text) => {
    const ms = text === undefined ? Number.NaN : Date.parse(text);
    return Number.isNaN(ms) ? [] : [ms];
  });
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
