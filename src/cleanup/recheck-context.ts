// Reads what a recheck needs right before objects are deleted: the states of their runs, in one request for many; the pods
// of each run and of each Dask cluster, listed once for all its objects.

import { stateReaders } from "../inventory/run-states.ts";
import type { StateSources } from "../inventory/run-states.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import { isPodActive } from "../dask/pod-status.ts";
import { CLUSTER_LABEL, membershipOf } from "../dask/recognise.ts";
import { FLOW_RUN_LABEL, FLOW_RUN_LABEL_2 } from "../job/labels.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { listAll } from "../kube/client/api.ts";
import type { Pod } from "../kube/client/objects.ts";
import type { OwnerRun, PlanItem } from "./item.ts";
import type { RecheckContext } from "./recheck.ts";

/** Reads the current states of runs, by id; an unreadable one has no entry. Throws PrefectError. */
export type ReadStates = (runs: readonly OwnerRun[]) => Promise<ReadonlyMap<string, RunStatus>>;

/** Reads states from these APIs; if an API fails, its states are unknown. */
export function currentStates(sources: StateSources, signal: AbortSignal): ReadStates {
  return async (runs) => {
    const states = stateReaders(sources, signal);
    const statuses = await Promise.all(
      runs.map(async ({ id, prefectVersion }) => {
        const { status } = await states[prefectVersion].read(id);
        return [id, status] as const;
      }),
    );
    return new Map(statuses);
  };
}

export interface RecheckDeps {
  readonly kube: Pick<KubeApi, "listPage">;
  readonly readStates: ReadStates;
  /** Uids of Jobs that this plan has deleted: Kubernetes is about to delete their pods. */
  readonly deletedJobs: ReadonlySet<string>;
}

const NEEDS_STATE: ReadonlySet<PlanItem["reason"]> = new Set(["orphaned", "replaced"]);
const NOTHING: RecheckContext = { status: { kind: "unknown" }, runPods: [], clusterPods: [] };

/** Reads the context of some items, each list once. */
export class RecheckReader {
  readonly #deps: RecheckDeps;
  readonly #states: Promise<ReadonlyMap<string, RunStatus>>;
  readonly #pods = new Map<string, Promise<readonly Pod[]>>();

  /** Starts to read the states of all these items' runs. */
  constructor(deps: RecheckDeps, items: readonly PlanItem[]) {
    this.#deps = deps;
    const runs = items.flatMap(({ reason, run }) =>
      run === undefined || !NEEDS_STATE.has(reason) ? [] : [run],
    );
    const distinct = [...new Map(runs.map((run) => [run.id, run])).values()];
    this.#states = distinct.length === 0 ? Promise.resolve(new Map()) : deps.readStates(distinct);
    // contextOf() awaits it; if that is never called, a failure must not end the process.
    this.#states.catch(() => {});
  }

  /** The current context of one of them. Throws KubeError and PrefectError. */
  async contextOf(item: PlanItem): Promise<RecheckContext> {
    const { reason, run, cluster, resource } = item;
    if (reason === "finished" || reason === "cancelled") return NOTHING;
    if (reason === "no-pods")
      return { ...NOTHING, clusterPods: await this.#clusterPods(item, cluster ?? "") };
    const status = (await this.#states).get(run?.id ?? "") ?? NOTHING.status;
    if (resource === "jobs" || run === undefined) return { ...NOTHING, status };
    return { ...NOTHING, status, runPods: await this.#runPods(item, run) };
  }

  async #clusterPods({ ref: { namespace } }: PlanItem, cluster: string): Promise<readonly Pod[]> {
    const pods = await this.#list(namespace, `${CLUSTER_LABEL}=${cluster}`);
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Without Dask pods, which carry the run's label if a user, or Prefect 0.x, has added it. */
  async #runPods(item: PlanItem, run: OwnerRun): Promise<readonly Pod[]> {
    const label = run.prefectVersion === 1 ? FLOW_RUN_LABEL : FLOW_RUN_LABEL_2;
    const namespaces = [...new Set([item.ref.namespace, run.namespace])];
    const lists = await Promise.all(
      namespaces.map((namespace) => this.#list(namespace, `${label}=${run.id}`)),
    );
    return lists.flat().filter((pod) => {
      const { deletionTimestamp, ownerReferences = [] } = pod.metadata;
      if (!isPodActive(pod) || deletionTimestamp !== undefined || pod.metadata.uid === item.uid) return false;
      if (ownerReferences.some(({ uid }) => this.#deps.deletedJobs.has(uid))) return false;
      return membershipOf(pod, () => false) === undefined;
    });
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
