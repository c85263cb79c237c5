// Fresh looks around objects that are about to go: the states of their runs, in one question for many; the pods of each
// run and of each Dask cluster, asked once however many objects are in question.

import { StateReader } from "../inventory/run-states.ts";
import type { StateSources } from "../inventory/run-states.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import { isLiving } from "../dask/pod-life.ts";
import { CLUSTER_LABEL, membershipOf } from "../dask/recognise.ts";
import { FLOW_RUN_LABEL, FLOW_RUN_LABEL_2 } from "../job/labels.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { listAll } from "../kube/client/api.ts";
import type { Pod } from "../kube/client/objects.ts";
import type { OwnerRun, PlanItem } from "./item.ts";
import type { RecheckContext } from "./recheck.ts";

/** The states of runs as they stand now, by id; one that could not be told has no entry. Throws PrefectError. */
export type AskStates = (runs: readonly OwnerRun[]) => Promise<ReadonlyMap<string, RunStatus>>;

/** Reads the states from these APIs; what one of them does not answer is unknown, and no error. */
export function freshStates(sources: StateSources, signal: AbortSignal): AskStates {
  return async (runs) => {
    const states = new StateReader(sources, signal);
    const answers = await Promise.all(
      runs.map(async ({ id, prefectVersion }) => {
        const { status } = await states.read(prefectVersion, id);
        return [id, status] as const;
      }),
    );
    return new Map(answers);
  };
}

/** What one look needs. */
export interface Looking {
  readonly kube: Pick<KubeApi, "listPage">;
  readonly states: AskStates;
  /** Uids of Jobs that went with this plan: their pods are about to go too. */
  readonly goneJobs: ReadonlySet<string>;
}

const NEEDS_STATE: ReadonlySet<PlanItem["reason"]> = new Set(["orphaned", "replaced"]);
const NOTHING: RecheckContext = { status: { kind: "unknown" }, runPods: [], clusterPods: [] };

/** One look around some items. What is asked of it twice is asked of the cluster once. */
export class Look {
  readonly #deps: Looking;
  readonly #states: Promise<ReadonlyMap<string, RunStatus>>;
  readonly #pods = new Map<string, Promise<readonly Pod[]>>();

  /** Asks for the states of all these items' runs. */
  constructor(deps: Looking, items: readonly PlanItem[]) {
    this.#deps = deps;
    const runs = items.flatMap(({ reason: ground, run }) =>
      run === undefined || !NEEDS_STATE.has(ground) ? [] : [run],
    );
    const distinct = [...new Map(runs.map((run) => [run.id, run])).values()];
    this.#states = distinct.length === 0 ? Promise.resolve(new Map()) : deps.states(distinct);
    // Whoever is concerned awaits it; without anybody a refusal must not end the process.
    this.#states.catch(() => {});
  }

  /** What is around one of them. Throws KubeError and PrefectError. */
  async around(item: PlanItem): Promise<RecheckContext> {
    const { reason: ground, run, cluster, resource } = item;
    if (ground === "finished" || ground === "cancelled") return NOTHING;
    if (ground === "no-pods")
      return { ...NOTHING, clusterPods: await this.#clusterPods(item, cluster ?? "") };
    const view = (await this.#states).get(run?.id ?? "") ?? NOTHING.status;
    if (resource === "jobs" || run === undefined) return { ...NOTHING, status: view };
    return { ...NOTHING, status: view, runPods: await this.#runPods(item, run) };
  }

  async #clusterPods({ ref: { namespace } }: PlanItem, cluster: string): Promise<readonly Pod[]> {
    const pods = await this.#list(namespace, `${CLUSTER_LABEL}=${cluster}`);
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Dask's own pods carry the run's label where people, or Prefect 0.x, put it there: they do not count. */
  async #runPods(item: PlanItem, run: OwnerRun): Promise<readonly Pod[]> {
    const label = run.prefectVersion === 1 ? FLOW_RUN_LABEL : FLOW_RUN_LABEL_2;
    const namespaces = [...new Set([item.ref.namespace, run.namespace])];
    const lists = await Promise.all(
      namespaces.map((namespace) => this.#list(namespace, `${label}=${run.id}`)),
    );
    return lists.flat().filter((pod) => {
      const { deletionTimestamp, ownerReferences = [] } = pod.metadata;
      if (!isLiving(pod) || deletionTimestamp !== undefined) return false;
      if (ownerReferences.some(({ uid }) => this.#deps.goneJobs.has(uid))) return false;
      return membershipOf(pod, () => false) === undefined;
    });
  }

  #list(namespace: string, labelSelector: string): Promise<readonly Pod[]> {
    const key = `${namespace}?${labelSelector}`;
    const known = this.#pods.get(key);
    if (known !== undefined) return known;
    const asked = this.#everyPage(namespace, labelSelector);
    this.#pods.set(key, asked);
    // A refusal is not to be remembered: the next try asks again.
    asked.catch(() => this.#pods.delete(key));
    return asked;
  }

  async #everyPage(namespace: string, labelSelector: string): Promise<readonly Pod[]> {
    const pods: Pod[] = [];
    for await (const pod of listAll(this.#deps.kube, "pods", { namespace, labelSelector })) pods.push(pod);
    return pods;
  }
}
