// Recheck: whether the reason of a planned deletion still holds right before the object is deleted. Since the plan was made,
// pods may have started and runs may have been restarted: in doubt an object is kept until the next cleanup.

import { CLUSTER_LABEL } from "../dask/recognise.ts";
import { stateReaders, type StateSources } from "../inventory/run-states.ts";
import { isKept, RUN_LABELS } from "../job/labels.ts";
import { createdMs } from "../job/observe/observed.ts";
import { isJobFinished } from "../job/observe/phase.ts";
import { hasEnded } from "../job/observe/pod-termination.ts";
import { listAll, type KubeApi } from "../kube/client/api.ts";
import type { Job, KindMap, Pod } from "../kube/client/objects.ts";
import { lifecycleOf, type RunStatus } from "../orchestrator/flow-run.ts";
import type { OwnerRun, PlanItem, Removable } from "./item.ts";
import { jobRuns } from "./plan-jobs.ts";
import { isLivingFlowPod } from "./run-lifecycle.ts";

/** Reads the current states of runs, by id. Throws PrefectError. */
export type ReadStates = (runs: readonly OwnerRun[]) => Promise<ReadonlyMap<string, RunStatus>>;

/** Reads states from these APIs; if an API fails, its states are unknown. */
export function currentStates(sources: StateSources, signal: AbortSignal): ReadStates {
  return async (runs) => {
    const states = stateReaders(sources, signal);
    for (const { flowRunId, prefectVersion } of runs) states[prefectVersion].ask(flowRunId);
    const told = await Promise.all(Object.values(states).map((each) => each.answers()));
    return new Map(told.flatMap((found) => [...found].map(([id, { status }]) => [id, status] as const)));
  };
}

/** Why the object, as it is now, is kept after all; undefined: it can be deleted. */
export function objectKeepReason(item: PlanItem, object: KindMap[Removable]): string | undefined {
  const { metadata } = object;
  if (metadata.uid !== item.uid) return "another object has this name now";
  if (isKept(metadata)) return "it is now annotated prefect.io/keep";
  if (item.reason === "cancelled" || (item.resource !== "jobs" && item.resource !== "pods")) return undefined;
  const [isOver, isRunning] =
    item.resource === "jobs"
      ? [isJobFinished(object as Job), jobRuns(object as Job)]
      : [hasEnded(object as Pod), (object as Pod).status.phase === "Running"];
  if (item.reason === "finished") return isOver ? undefined : "it is no longer finished";
  return !item.running && isRunning ? "it has started running" : undefined;
}

interface RecheckDeps {
  readonly kube: Pick<KubeApi, "listPage">;
  readonly readStates: ReadStates;
  /** Uids of what this plan has deleted: the pods of a Job follow it. After a dry run all of it is still there. */
  readonly deleted: ReadonlySet<string>;
}

/**
 * Reads what has become of the runs and Dask clusters of some items: the states of all runs in one request, the pods of each
 * run and cluster once.
 */
export class Recheck {
  readonly #deps: RecheckDeps;
  readonly #states: Promise<ReadonlyMap<string, RunStatus>>;
  readonly #pods = new Map<string, Promise<readonly Pod[]>>();

  /** Starts to read the states of all these items' runs. */
  constructor(deps: RecheckDeps, items: readonly PlanItem[]) {
    this.#deps = deps;
    const runs = items.flatMap(({ reason, run }) =>
      reason === "orphaned" && run ? [[run.flowRunId, run] as const] : [],
    );
    this.#states = deps.readStates([...new Map(runs).values()]);
    // keepReason() awaits it; if that is never called, a failure must not end the process.
    this.#states.catch(() => {});
  }

  /** Why one of them is kept because of its run or its pods; undefined: it can be deleted. Throws KubeError and PrefectError. */
  async keepReason(item: PlanItem): Promise<string | undefined> {
    switch (item.reason) {
      case "finished":
      case "cancelled":
        return undefined;
      case "orphaned": {
        const status = (await this.#states).get(item.run?.flowRunId ?? "") ?? { kind: "unknown" };
        const { kind, text } = lifecycleOf(status);
        // Only a Dask cluster waits for the run's pods: its Jobs, and pods that they have let go, are over with the run.
        const [pod] = item.cluster === undefined ? [] : await this.#runPods(item);
        if (kind === "unknown") return `cannot read the state of flow run "${item.run?.flowRunId ?? ""}"`;
        if (kind === "alive") return `${text} now`;
        return pod && `pod "${pod.metadata.name}" of its flow run is running`;
      }
      case "replaced": {
        const pods = await this.#runPods(item);
        const older = pods.find((pod) => createdMs(pod) <= item.createdAt.getTime());
        return older && `pod "${older.metadata.name}" of its flow run may have created it`;
      }
      case "no-pods": {
        const pods = await this.#list(item.ref.namespace, `${CLUSTER_LABEL}=${item.cluster ?? ""}`);
        const hasPod = pods.some(
          ({ metadata }) => metadata.deletionTimestamp === undefined && !this.#deps.deleted.has(metadata.uid),
        );
        return hasPod ? "its Dask cluster has a pod again" : undefined;
      }
    }
  }

  /** The living pods of its run. */
  async #runPods({ run, ref }: PlanItem): Promise<readonly Pod[]> {
    if (run === undefined) return [];
    const namespaces = [...new Set([ref.namespace, run.namespace])];
    const lists = await Promise.all(
      namespaces.map((namespace) =>
        this.#list(namespace, `${RUN_LABELS[run.prefectVersion]}=${run.flowRunId}`),
      ),
    );
    const isDeleted = (id: string): boolean => this.#deps.deleted.has(id);
    return lists.flat().filter((pod) => !isDeleted(pod.metadata.uid) && isLivingFlowPod(pod, isDeleted));
  }

  #list(namespace: string, labelSelector: string): Promise<readonly Pod[]> {
    const key = `${namespace}?${labelSelector}`;
    const known = this.#pods.get(key);
    if (known !== undefined) return known;
    const pods = Array.fromAsync(listAll(this.#deps.kube, "pods", { namespace, labelSelector }));
    this.#pods.set(key, pods);
    // A failed list is not cached: the next recheck lists again.
    pods.catch(() => this.#pods.delete(key));
    return pods;
  }
}
