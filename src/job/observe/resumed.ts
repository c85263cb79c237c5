// A Job that was suspended and resumed starts anew: what its earlier pods did is over.

import type { Job, Pod } from "../../kube/client/objects.ts";
import { createdMs } from "./observed.ts";
import { podFinishedAt, podTerminatedAt } from "./pod-termination.ts";

/** By how much the clocks of Kubernetes' components may differ, and how long webhooks may hold up a pod's creation. */
const CLOCKS_MS = 30_000;

/**
 * Whether the pod is of the time before the Job was suspended and resumed. The Job controller sets startTime, in whole seconds of
 * its own clock, only after it has created the pods of the resumed Job: one that was created just before, but ended after it, is one of those.
 */
export function isBeforeResume(pod: Pod, { status }: Job): boolean {
  const wasSuspended = (status.conditions ?? []).some(({ type }) => type === "Suspended");
  const resumedMs = Date.parse(status.startTime ?? "");
  if (!wasSuspended || Number.isNaN(resumedMs) || createdMs(pod) >= resumedMs) return false;
  const ended = podTerminatedAt(pod) ?? podFinishedAt(pod);
  return createdMs(pod) < resumedMs - CLOCKS_MS || (ended !== undefined && ended.getTime() < resumedMs);
}
