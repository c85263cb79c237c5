// ObservedRun: what a flow run has in the cluster. One run can own several Jobs (a retry, a restart, Lazarus);
// a Job that went is kept here until its story is told.

import type { Job, KubeEvent, Pod } from "../../kube/client/objects.ts";

export interface ObservedJob {
  readonly job: Job;
  /** Its pods, and those that were deleted while we watched (see `departed`). */
  readonly pods: readonly Pod[];
  /** Pods that are gone from the cluster, as they were last seen. */
  readonly deletedPods: readonly Pod[];
  /** Events of the Job and of its pods. */
  readonly events: readonly KubeEvent[];
  /** The Job is gone from the cluster, and we did not remove it. */
  readonly gone: boolean;
}

export interface ObservedRun {
  readonly flowRunId: string;
  readonly jobs: readonly ObservedJob[];
}

/** The name of the container that runs the flow; Jobs from foreign templates run it in their first. */
export const FLOW_CONTAINER = "flow";

/** The container that runs the flow: the one named `flow`, else the first. */
export function flowContainerName(pod: Pod): string | undefined {
  const containers = pod.spec.containers ?? [];
  return (containers.find(({ name }) => name === FLOW_CONTAINER) ?? containers[0])?.name;
}

/** Events that concern an object, oldest first as they were given. */
export function eventsOf(print: ObservedJob, uid: string): KubeEvent[] {
  return print.events.filter((event) => event.involvedObject.uid === uid);
}

/** Whether a condition of this type is True. */
export function hasCondition(
  status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] },
  type: string,
): boolean {
  return (status.conditions ?? []).some(
    (condition) => condition.type === type && condition.status === "True",
  );
}
