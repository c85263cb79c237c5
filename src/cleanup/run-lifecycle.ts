// How a flow run stands where the deletion of what it has is in question: over since when, alive, or not to be told.

import type { RunStatus } from "../orchestrator/flow-run.ts";
import { isUuid } from "../base/uuid.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import type { Pod } from "../kube/client/objects.ts";
import { isLiving } from "../dask/pod-life.ts";
import { isFinished } from "../orchestrator/flow-run.ts";
import type { OwnerRun } from "./item.ts";

/** `over`: nothing of it is wanted any more; `since` is undefined where Prefect does not say it. */
export type Standing =
  | { readonly kind: "over"; readonly since: Date | undefined; readonly words: string }
  | { readonly kind: "alive"; readonly words: string }
  | { readonly kind: "unknown"; readonly words: string };

/** How the run stands. `trusted`: the API is known to be the one that the runs belong to, so that "missing" means deleted. */
export function lifecycleOf(flowRunId: string, view: RunStatus, trusted: boolean): Standing {
  switch (view.kind) {
    case "known": {
      const { type } = view.state;
      const words = `its flow run is ${view.state.name}`;
      return isFinished(type) ? { kind: "over", since: view.state.since, words } : { kind: "alive", words };
    }
    case "missing":
      if (!isUuid(flowRunId)) return { kind: "unknown", words: "its label names no flow run" };
      if (!trusted)
        return { kind: "unknown", words: "Prefect knows none of the flow runs here; is it their API?" };
      return { kind: "over", since: undefined, words: "its flow run no longer exists in Prefect" };
    case "unknown":
      return { kind: "unknown", words: "the state of its flow run is not known" };
  }
}

/** Whether Prefect and the cluster belong together: it knows at least one of the runs that are here. */
export function knowsSome(
  runs: readonly Pick<InventoryRun, "status" | "prefectVersion">[],
): ReadonlySet<1 | 2> {
  return new Set(
    runs.filter(({ status: run }) => run.kind === "known").map(({ prefectVersion }) => prefectVersion),
  );
}

/** The owner of objects, as plans name it. */
export function ownerRun(print: InventoryRun): OwnerRun {
  const { flowRunId: id, name, prefectVersion, status: view, namespace } = print;
  return { id, name, prefectVersion, status: view, namespace };
}

/** The pods of the run itself that live and are not being deleted. */
export function livingPods(print: Pick<InventoryRun, "observed">): readonly Pod[] {
  return print.observed.jobs
    .flatMap(({ pods }) => pods)
    .filter((pod) => isLiving(pod) && pod.metadata.deletionTimestamp === undefined);
}
