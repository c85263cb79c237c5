// Whether a flow run is over, alive or unknown, for deciding on the deletion of its objects.

import { DELETED_RUN, isFinished, type RunStatus } from "../orchestrator/flow-run.ts";
import { isUuid } from "../base/uuid.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { Pod } from "../kube/client/objects.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { membershipOf } from "../dask/recognise.ts";
import type { OwnerRun } from "./item.ts";

/** `over`: its objects can be deleted; `since` is undefined where Prefect does not tell. `text` is for people. */
export type RunLifecycle =
  | { readonly kind: "over"; readonly since: Date | undefined; readonly text: string }
  | { readonly kind: "alive"; readonly text: string }
  | { readonly kind: "unknown"; readonly text: string };

/** A run whose objects are planned for. */
export interface PlannedRun {
  readonly run: InventoryRun;
  readonly lifecycle: RunLifecycle;
  /** Why all that belongs to it is kept, if it is. */
  readonly keep?: string | undefined;
}

/** The run's lifecycle. */
export function lifecycleOf(flowRunId: string, status: RunStatus): RunLifecycle {
  switch (status.kind) {
    case "known": {
      const { type, name, since } = status.state;
      const text = `its flow run is ${name}`;
      return isFinished(type) ? { kind: "over", since, text } : { kind: "alive", text };
    }
    case "missing":
      if (!isUuid(flowRunId)) return { kind: "unknown", text: "its label is not a flow run id" };
      return { kind: "over", since: undefined, text: DELETED_RUN };
    case "unknown":
      return { kind: "unknown", text: "the state of its flow run is unknown" };
  }
}

/** The run as plans show it. */
export function ownerRun(run: InventoryRun): OwnerRun {
  const { flowRunId: id, name, prefectVersion, status, namespace } = run;
  return { id, name, prefectVersion, status, namespace };
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

/** The run's own pods that work on. */
export function livingPods(
  run: Pick<InventoryRun, "observed">,
  isDeletedJob?: (uid: string) => boolean,
): readonly Pod[] {
  return run.observed.jobs.flatMap(({ pods }) => pods.filter((pod) => worksOn(pod, isDeletedJob)));
}
