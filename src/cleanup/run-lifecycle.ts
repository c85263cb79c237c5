// Whether a flow run is over, alive or unknown, for deciding on the deletion of its objects.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import { isUuid } from "../base/uuid.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { Pod } from "../kube/client/objects.ts";
import { isPodActive } from "../dask/pod-status.ts";
import { DELETED_RUN, isFinished } from "../orchestrator/flow-run.ts";
import type { OwnerRun } from "./item.ts";

/** `over`: its objects can be deleted; `since` is undefined where Prefect does not tell. `text` is for people. */
export type RunLifecycle =
  | { readonly kind: "over"; readonly since: Date | undefined; readonly text: string }
  | { readonly kind: "alive"; readonly text: string }
  | { readonly kind: "unknown"; readonly text: string };

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

/** The run's own pods that have not terminated and are not being deleted. */
export function livingPods(run: Pick<InventoryRun, "observed">): readonly Pod[] {
  return run.observed.jobs
    .flatMap(({ pods }) => pods)
    .filter((pod) => isPodActive(pod) && pod.metadata.deletionTimestamp === undefined);
}
