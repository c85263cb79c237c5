// ObservedRun: the Jobs, pods and events of a flow run in the cluster. One run can have several Jobs (a retry, a restart,
// Lazarus). A deleted Job stays here until its end is reported.

import type { Job, KubeEvent, Pod } from "../../kube/client/objects.ts";

export interface ObservedJob {
  readonly job: Job;
  readonly pods: readonly Pod[];
  /** Pods that were deleted from the cluster, as last observed. */
  readonly deletedPods: readonly Pod[];
  /** Events of the Job and of its pods. */
  readonly events: readonly KubeEvent[];
  /** The Job was deleted, and not by this agent. */
  readonly gone: boolean;
}

export interface ObservedRun {
  readonly flowRunId: string;
  readonly jobs: readonly ObservedJob[];
}

/** The name of the container that runs the flow in Jobs that the agent builds. */
export const FLOW_CONTAINER = "flow";

/** The name of the container that runs the flow: `flow` if there is one, else the first container. */
export function flowContainerName(pod: Pod): string | undefined {
  const containers = pod.spec.containers ?? [];
  return (containers.find(({ name }) => name === FLOW_CONTAINER) ?? containers[0])?.name;
}

/** The events of one object. */
export function eventsOf(observed: ObservedJob, uid: string): KubeEvent[] {
  return observed.events.filter((event) => event.involvedObject.uid === uid);
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
