// supervise: the Dask clusters of flow runs that were cancelled or lost their pod; nothing else ends them (dask-kubernetes
// issues 53, 343). They are looked for only then, in one look for all runs that ask at the same time.

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
import type { RunView } from "../../job/decide/decide.ts";
import { listAll } from "../../kube/client/api.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { Meta, Pod } from "../../kube/client/objects.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import type { RunStates } from "./run-states.ts";

/** What it works with. */
export type DaskDeps = Pick<AgentDeps, "kube" | "clock" | "log" | "meter"> & {
  readonly states: Pick<RunStates, "fresh">;
  readonly view: Pick<ClusterView, "flowRunIds" | "observe" | "isExpectedGone">;
};

/** The terms on which a run's clusters go. */
export interface Clearance {
  /** Whether the run, asked afresh, still is as it was judged. */
  readonly isStillDue: (run: RunView) => boolean;
  /** Uids of Jobs that are about to go: their pods keep no cluster. */
  readonly deletedJobs: ReadonlySet<string>;
}

interface Found {
  readonly clusters: readonly ObservedCluster[];
  /** Pods that run, or still end. */
  readonly living: number;
}

/** How long the end of what was deleted is waited for: Kubernetes' own grace for pods, and a little. */
const PATIENCE_MS = 35_000;
const RUNS_AT_ONCE = 1_000;

/** Ends Dask clusters of runs. */
export class DaskClearer {
  readonly #deps: DaskDeps;
  readonly #namespace: string;
  readonly #looks: Batcher<string, Found>;
  readonly #since = new Map<string, number>();
  readonly #forbidden = new Set<string>();

  constructor(deps: DaskDeps, namespace: string) {
    this.#deps = deps;
    this.#namespace = namespace;
    this.#looks = new Batcher((ids) => this.#look(ids), { maxSize: RUNS_AT_ONCE, maxRequests: 1 });
  }

  /** Deletes what the run has; what has no right to go is left. Throws KubeError and PrefectError. */
  async delete(flowRunId: string, clearance: Clearance): Promise<void> {
    await this.#clear(flowRunId, clearance);
  }

  /**
   * The same, and whether nothing of it runs any more. What takes longer to end than Kubernetes' grace, or may not be
   * deleted by us, is not waited for.
   */
  async deleteAndWait(flowRunId: string, clearance: Clearance): Promise<boolean> {
    const living = await this.#clear(flowRunId, clearance);
    const now = this.#deps.clock.now().getTime();
    const since = this.#since.get(flowRunId) ?? now;
    const isOver = living === 0 || now - since >= PATIENCE_MS || this.#forbidden.has("pods");
    if (isOver) this.#since.delete(flowRunId);
    else this.#since.set(flowRunId, since);
    return isOver;
  }

  /** Returns the number of pods that still live. */
  async #clear(flowRunId: string, { isStillDue: holds, deletedJobs: leaving }: Clearance): Promise<number> {
    const { clusters, living } = await this.#looks.add(flowRunId);
    if (clusters.length === 0) return 0;
    const run = await this.#deps.states.fresh(flowRunId);
    if (!holds(run)) return 0;
    const ours = clusters.filter((cluster) => isEndedWith(cluster, run));
    if (ours.length === 0) return 0;
    // The flow itself still works: it is not for us to take its workers.
    if (await this.#hasPods(flowRunId, leaving)) return living;
    for (const cluster of ours) await this.#remove(flowRunId, cluster);
    return living;
  }

  /** The clusters of each of these runs, but those that are only guessed to be theirs. */
  async #look(ids: readonly string[]): Promise<readonly Found[]> {
    const { kube, view } = this.#deps;
    const objects = await listDask(new Listing(kube), this.#namespace, "all");
    const runs = view.flowRunIds().map((flowRunId) => ({ flowRunId, observed: view.observe(flowRunId) }));
    const prints = findClusters(objects, runs).filter(
      ({ kind, owner }) => kind !== "gateway" && owner !== undefined && owner.by !== "guess",
    );
    const byRun = Map.groupBy(prints, ({ owner }) => owner?.flowRunId);
    return ids.map((id) => {
      const clusters = byRun.get(id) ?? [];
      return { clusters, living: clusters.flatMap(podsOf).filter(isLiving).length };
    });
  }

  /** Whether a pod of the flow itself lives, by the cluster's own word. */
  async #hasPods(flowRunId: string, leaving: ReadonlySet<string>): Promise<boolean> {
    const query = { namespace: this.#namespace, labelSelector: `${FLOW_RUN_LABEL}=${flowRunId}` };
    for await (const pod of listAll(this.#deps.kube, "pods", query)) {
      const isGoing = (pod.metadata.ownerReferences ?? []).some(
        ({ uid }) => leaving.has(uid) || this.#deps.view.isExpectedGone(uid),
      );
      if (isLiving(pod) && isFakeg(pod) && !isGoing && membershipOf(pod, () => false) === undefined)
        return true;
    }
    return false;
  }

  async #remove(flowRunId: string, cluster: ObservedCluster): Promise<void> {
    const { log, meter } = this.#deps;
    const nothing = { runs: [], warnings: [], unownedDask: [withoutEnding(cluster)] };
    const { items } = cancelPlan(nothing, new Set([flowRunId]), new Map());
    let count = 0;
    for (const item of items) if (await this.#delete(item)) count++;
    if (count === 0) return;
    meter.count("removed", "dask", count);
    log.info("Dask cluster deleted", { flowRun: flowRunId, cluster: cluster.name, objects: count });
  }

  async #delete({ resource, ref, uid }: PlanItem): Promise<boolean> {
    const { kube, log } = this.#deps;
    try {
      return (await kube.delete(resource, ref, { uid, propagation: "Background" })) === "deleted";
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      const isNews = !this.#forbidden.has(resource);
      this.#forbidden.add(resource);
      if (isNews)
        log.warn(`No right to delete ${resource}: Dask of cancelled flow runs stays`, { name: ref.name });
      return false;
    }
  }
}

/** The cluster without what is being deleted already. */
function withoutEnding(cluster: ObservedCluster): ObservedCluster {
  const { scheduler, workers, services, budgets, resource } = cluster;
  return {
    ...cluster,
    scheduler: scheduler !== undefined && isFakeg(scheduler) ? scheduler : undefined,
    workers: workers.filter(isFakeg),
    services: services.filter(isFakeg),
    budgets: budgets.filter(isFakeg),
    resource: resource !== undefined && isFakeg(resource) ? resource : undefined,
  };
}

function podsOf({ scheduler, workers }: ObservedCluster): readonly Pod[] {
  return scheduler === undefined ? workers : [...workers, scheduler];
}

function isFakeg({ metadata }: { readonly metadata: Meta }): boolean {
  return metadata.deletionTimestamp === undefined;
}
