// Whether a flow run is over, alive or unknown, for deciding on the deletion of its objects.

import { DELETED_RUN, isFinished } from "../orchestrator/flow-run.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { Pod } from "../kube/client/objects.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { membershipOf } from "../dask/recognise.ts";

export interface RunLifecycle {
  /** `over`: its objects can be deleted. */
  readonly kind: "over" | "alive" | "unknown";
  /** Since when it is over, where Prefect tells. */
  readonly since?: Date | undefined;
  /** For people. */
  readonly text: string;
}

/** A run whose objects are planned for. */
export interface PlannedRun {
  readonly run: InventoryRun;
  readonly lifecycle: RunLifecycle;
  /** Why all that belongs to it is kept, if it is. */
  readonly keep?: string | undefined;
}

export function lifecycleOf({ status }: Pick<InventoryRun, "status">): RunLifecycle {
  if (status.kind === "unknown") return { kind: "unknown", text: "the state of its flow run is unknown" };
  if (status.kind === "known") {
    const { type, name, since } = status.state;
    const text = `its flow run is ${name}`;
    return isFinished(type) ? { kind: "over", since, text } : { kind: "alive", text };
  }
  return { kind: "over", text: DELETED_RUN };
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
