// Deletes the Dask clusters of flow runs that were cancelled or lost their pod; nothing else ends them (dask-kubernetes
// issues 53, 343). They are listed only then, once for all runs that ask at the same time.

import { Batcher } from "../../base/batch.ts";
import { cancelPlan } from "../../cleanup/cancel-items.ts";
import type { PlanItem } from "../../cleanup/item.ts";
import { findClusters } from "../../dask/find-clusters.ts";
import { isEndedWith } from "../../dask/ended-with.ts";
import { isLiving } from "../../dask/pod-life.ts";
import { membershipOf } from "../../dask/recognise.ts";
import type { ObservedCluster } from "../../dask/dask-cluster.ts";
import { listDask } from "../../inventory/list-dask.ts";
import { Listing } from "../../inventory/listing.ts";
import { FLOW_RUN_LABEL } from "../../job/labels.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import { listAll } from "../../kube/client/api.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { Meta, Pod } from "../../kube/client/objects.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import type { RunStates } from "../run-states.ts";

/** What it works with. */
export type DaskDeps = Pick<AgentDeps, "kube" | "clock" | "log" | "metrics"> & {
  readonly states: Pick<RunStates, "refresh">;
  readonly view: Pick<ClusterView, "flowRunIds" | "observe" | "isExpectedGone">;
};

/** When a run's clusters may be deleted. */
export interface DeletionTerms {
  /** Whether the run, read afresh, still calls for it. */
  readonly isStillDue: (run: RunStatus) => boolean;
  /** Uids of Jobs that are deleted with it: their pods keep no cluster. */
  readonly deletedJobs: ReadonlySet<string>;
}

interface Found {
  readonly clusters: readonly ObservedCluster[];
  /** Pods that run, or still end. */
  readonly living: number;
}

/** How long the end of deleted pods is waited for: Kubernetes' own grace, and a little more. */
const END_WITHIN_MS = 35_000;
const RUNS_AT_ONCE = 1_000;

export class DaskDeleter {
  readonly #deps: DaskDeps;
  readonly #namespace: string;
  readonly #listings: Batcher<string, Found>;
  readonly #since = new Map<string, number>();
  readonly #forbidden = new Set<string>();

  constructor(deps: DaskDeps, namespace: string) {
    this.#deps = deps;
    this.#namespace = namespace;
    this.#listings = new Batcher((ids) => this.#list(ids), { maxSize: RUNS_AT_ONCE, maxRequests: 1 });
  }

  /** Deletes the run's clusters, as far as our rights allow. Throws KubeError and PrefectError. */
  async delete(flowRunId: string, terms: DeletionTerms): Promise<void> {
    await this.#deleteClusters(flowRunId, terms);
  }

  /**
   * The same, and returns whether they have ended. What takes longer than Kubernetes' own grace, or may not be deleted by us,
   * is not waited for.
   */
  async deleteAndWait(flowRunId: string, terms: DeletionTerms): Promise<boolean> {
    const living = await this.#deleteClusters(flowRunId, terms);
    const now = this.#deps.clock.now().getTime();
    const since = this.#since.get(flowRunId) ?? now;
    const isOver = living === 0 || now - since >= END_WITHIN_MS || this.#forbidden.has("pods");
    if (isOver) this.#since.delete(flowRunId);
    else this.#since.set(flowRunId, since);
    return isOver;
  }

  /** Returns the number of pods that still live. */
  async #deleteClusters(flowRunId: string, { isStillDue, deletedJobs }: DeletionTerms): Promise<number> {
    const { clusters, living } = await this.#listings.add(flowRunId);
    if (clusters.length === 0) return 0;
    const run = await this.#deps.states.refresh(flowRunId);
    if (!isStillDue(run)) return 0;
    const ours = clusters.filter((cluster) => isEndedWith(cluster, run));
    if (ours.length === 0) return 0;
    // The flow itself still runs: its workers are not ours to delete.
    if (await this.#hasPods(flowRunId, deletedJobs)) return living;
    for (const cluster of ours) await this.#deleteCluster(flowRunId, cluster);
    return living;
  }

  /** The clusters of each of these runs, except those that are only guessed to be theirs. */
  async #list(ids: readonly string[]): Promise<readonly Found[]> {
    const { kube, view } = this.#deps;
    const objects = await listDask(new Listing(kube), this.#namespace, "all");
    const runs = view.flowRunIds().map((flowRunId) => ({ flowRunId, observed: view.observe(flowRunId) }));
    const found = findClusters(objects, runs).filter(
      ({ kind, owner }) => kind !== "gateway" && owner !== undefined && owner.by !== "guess",
    );
    const byRun = Map.groupBy(found, ({ owner }) => owner?.flowRunId);
    return ids.map((id) => {
      const clusters = byRun.get(id) ?? [];
      return { clusters, living: clusters.flatMap(podsOf).filter(isLiving).length };
    });
  }

  /** Whether a pod of the flow itself lives, asked of the cluster. */
  async #hasPods(flowRunId: string, deletedJobs: ReadonlySet<string>): Promise<boolean> {
    const query = { namespace: this.#namespace, labelSelector: `${FLOW_RUN_LABEL}=${flowRunId}` };
    for await (const pod of listAll(this.#deps.kube, "pods", query)) {
      const isGoing = (pod.metadata.ownerReferences ?? []).some(
        ({ uid }) => deletedJobs.has(uid) || this.#deps.view.isExpectedGone(uid),
      );
      if (isLiving(pod) && isStanding(pod) && !isGoing && membershipOf(pod, () => false) === undefined)
        return true;
    }
    return false;
  }

  async #deleteCluster(flowRunId: string, cluster: ObservedCluster): Promise<void> {
    const { log, metrics } = this.#deps;
    const nothing = { runs: [], warnings: [], unownedDask: [withoutEnding(cluster)] };
    const { items } = cancelPlan(nothing, new Set([flowRunId]), new Map());
    let count = 0;
    for (const item of items) if (await this.#delete(item)) count++;
    if (count === 0) return;
    metrics.count("deletions", "dask", count);
    log.info("Dask cluster deleted", { flowRun: flowRunId, cluster: cluster.name, objects: count });
  }

  async #delete({ resource, ref, uid }: PlanItem): Promise<boolean> {
    const { kube, log } = this.#deps;
    try {
      return (await kube.delete(resource, ref, { uid, propagation: "Background" })) === "deleted";
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      const isFirst = !this.#forbidden.has(resource);
      this.#forbidden.add(resource);
      if (isFirst)
        log.warn(`Missing permission to delete ${resource}: Dask clusters of cancelled flow runs stay`, {
          name: ref.name,
        });
      return false;
    }
  }
}

/** The cluster without what is being deleted already. */
function withoutEnding(cluster: ObservedCluster): ObservedCluster {
  const { scheduler, workers, services, budgets, resource } = cluster;
  return {
    ...cluster,
    scheduler: scheduler !== undefined && isStanding(scheduler) ? scheduler : undefined,
    workers: workers.filter(isStanding),
    services: services.filter(isStanding),
    budgets: budgets.filter(isStanding),
    resource: resource !== undefined && isStanding(resource) ? resource : undefined,
  };
}

function podsOf({ scheduler, workers }: ObservedCluster): readonly Pod[] {
  return scheduler === undefined ? workers : [...workers, scheduler];
}

function isStanding({ metadata }: { readonly metadata: Meta }): boolean {
  return metadata.deletionTimestamp === undefined;
}
