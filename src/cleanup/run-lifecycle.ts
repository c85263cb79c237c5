// What decides on the deletion of a flow run's objects: whether the run is over, and whether a pod of it works on.

import type { RunLifecycle } from "../orchestrator/flow-run.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { Pod } from "../kube/client/objects.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { membershipOf } from "../dask/recognise.ts";

/** A run whose objects are planned for. */
export interface PlannedRun {
  readonly run: InventoryRun;
  readonly lifecycle: RunLifecycle;
  /** Why all that belongs to it is kept, if it is. */
  readonly keep?: string | undefined;
}

/** Whether the pod works on: it has not ended, and neither it nor its Job is being deleted. */
export function worksOn(pod: Pod, isDeletedJob: (uid: string) => boolean = () => false): boolean {
  const { ownerReferences = [] } = pod.metadata;
  return !isEnding(pod) && !ownerReferences.some(({ uid }) => isDeletedJob(uid));
}

/** Whether it works on, and is the flow's own. Dask pods carry the run's label if a user, or Prefect 0.x, has added it. */
export function isLivingFlowPod(pod: Pod, isDeletedJob: (uid: string) => boolean): boolean {
  return worksOn(pod, isDeletedJob) && membershipOf(pod) === undefined;
}
