// The life of a pod as far as clean-up asks: whether it can still do something, and since when it cannot.

import type { Pod } from "../kube/client/objects.ts";

/** Whether the pod runs or may still run; a finished pod never comes back. */
export function isLiving(pod: Pod): boolean {
  return pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed";
}

/**
 * When a finished pod ended: its last container's end; an evicted pod that has none left, its last condition's change;
 * else its creation. Undefined for a pod that lives.
 */
export function endOfPod(pod: Pod): Date | undefined {
  if (isLiving(pod)) return undefined;
  const containers = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const ends = containers.map((status) => status.state?.terminated?.finishedAt);
  const changes = (pod.status.conditions ?? []).map((condition) => condition.lastTransitionTime);
  return latest(ends) ?? latest(changes) ?? new Date(pod.metadata.creationTimestamp);
}

function latest(texts: readonly (string | undefined)[]): Date | undefined {
  const moments = texts.flatMap((text) => {
    const ms = text === undefined ? Number.NaN : Date.parse(text);
    return Number.isNaN(ms) ? [] : [ms];
  });
  return moments.length === 0 ? undefined : new Date(Math.max(...moments));
}
