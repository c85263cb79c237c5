// Whether a pod is active, and when it finished.

import { containerStatuses, hasEnded } from "../job/observe/pod-termination.ts";
import type { Pod } from "../kube/client/objects.ts";

/** Whether the pod has not finished; a finished pod never runs again. */
export function isPodActive(pod: Pod): boolean {
  return !hasEnded(pod);
}

/**
 * When a finished pod's last container terminated; for an evicted pod without container statuses, its last condition
 * change; else its creation. Undefined for an active pod.
 */
export function podFinishedAt(pod: Pod): Date | undefined {
  if (isPodActive(pod)) return undefined;
  const terminations = containerStatuses(pod).map((status) => status.state?.terminated?.finishedAt);
  const changes = (pod.status.conditions ?? []).map((condition) => condition.lastTransitionTime);
  return latest(terminations) ?? latest(changes) ?? new Date(pod.metadata.creationTimestamp);
}

function latest(texts: readonly (string | undefined)[]): Date | undefined {
  const times = texts.map((text) => Date.parse(text ?? "")).filter((ms) => !Number.isNaN(ms));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
