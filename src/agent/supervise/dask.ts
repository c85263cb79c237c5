// Deletes the Dask clusters of flow runs that were cancelled or lost their pod; nothing else deletes them (dask-kubernetes
// issues 53, 343). Lists Dask objects only then, once for all runs that need them at the same time.

import { isDeletedWithRun, podsOf, type ObservedCluster } from "../../dask/dask-cluster.ts";
import { Batcher } from "../../base/batch.ts";
import { cancelPlan } from "../../cleanup/cancel-items.ts";
import type { PlanItem } from "../../cleanup/item.ts";
import { isLivingFlowPod } from "../../cleanup/run-lifecycle.ts";
import { findClusters } from "../../dask/find-clusters.ts";
import { listDask } from "../../inventory/list-dask.ts";
import { Listing } from "../../inventory/listing.ts";
import { jobUidOf } from "../../job/observe/observed.ts";
import { hasEnded } from "../../job/observe/pod-termination.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import { isForbidden } from "../../kube/client/errors.ts";
import { hasObject } from "../run-objects.ts";
import type { SharedState } from "../shared-state.ts";

/** When a run's clusters may be deleted. */
export interface DeletionConditions {
  /** Whether the run's current status still requires the deletion. */
  readonly isStillNeeded: (run: RunStatus) => boolean;
  /** Uids of Jobs that are deleted at the same time: their pods do not keep a cluster. */
  readonly deletedJobs: ReadonlySet<string>;
}

interface Stopped {
  readonly conditions: DeletionConditions;
  /** Ticks. */
  readonly untilMs: number;
}

/** How long a flow that is being stopped is waited for. */
const STOP_MS = 600_000;
/** How long to wait for deleted pods to terminate: Kubernetes' default grace period, and a little more. */
const TERMINATION_TIMEOUT_MS = 35_000;
const RUNS_AT_ONCE = 1_000;

export class DaskDeleter {
  readonly #deps: SharedState;
  readonly #listings: Batcher<string, readonly ObservedCluster[]>;
  readonly #since = new Map<string, number>();
  readonly #forbidden = new Set<string>();
  /** Runs whose clusters this process has deleted. */
  readonly #done = new Set<string>();
  /** Runs whose clusters were deleted while the flow's process still worked. */
  readonly #stopped = new Map<string, Stopped>();

  constructor(deps: SharedState) {
    this.#deps = deps;
    this.#listings = new Batcher(
      (ids) => this.#list(ids),
      { maxSize: RUNS_AT_ONCE, maxRequests: 1 },
      deps.clock,
    );
  }

  /** Whether this process has deleted the run's clusters, as far as it may. */
  isDone(flowRunId: string): boolean {
    return this.#done.has(flowRunId);
  }

  /** The flow's process, which is being stopped, may start workers until it has ended (prefect#12976). */
  expectLateWorkers(flowRunId: string, conditions: DeletionConditions): void {
    this.#stopped.set(flowRunId, { conditions, untilMs: this.#deps.clock.ticks() + STOP_MS });
  }

  /** Deletes such workers once the flow's pods have ended. Throws as `delete` does. */
  async deleteLateWorkers(): Promise<void> {
    if (this.#stopped.size === 0) return;
    const { view, clock } = this.#deps;
    const working = new Set([...view.pods.values()].filter((pod) => !hasEnded(pod)).map(jobUidOf));
    const hasStopped = ({ conditions, untilMs }: Stopped): boolean =>
      clock.ticks() >= untilMs || ![...conditions.deletedJobs].some((uid) => working.has(uid));
    const ended = [...this.#stopped].filter(([, each]) => hasStopped(each));
    await Promise.all(
      ended.map(async ([flowRunId, { conditions }]) => {
        await this.delete(flowRunId, conditions);
        this.#stopped.delete(flowRunId);
      }),
    );
  }

  forget(flowRunId: string): void {
    this.#done.delete(flowRunId);
  }

  /** Deletes the run's clusters, and returns true once the pods have terminated, the timeout is over, or pods may not be deleted. */
  async deleteAndWait(flowRunId: string, conditions: DeletionConditions): Promise<boolean> {
    const activePods = await this.delete(flowRunId, conditions);
    const now = this.#deps.clock.ticks();
    const since = this.#since.get(flowRunId) ?? now;
    const isDone = activePods === 0 || now - since >= TERMINATION_TIMEOUT_MS || this.#forbidden.has("pods");
    if (isDone) this.#since.delete(flowRunId);
    else this.#since.set(flowRunId, since);
    return isDone;
  }

  /**
   * Deletes the run's clusters as far as permissions allow. Returns the number of pods that have not finished. Throws
   * KubeError and PrefectError.
   */
  async delete(flowRunId: string, { isStillNeeded, deletedJobs }: DeletionConditions): Promise<number> {
    const clusters = await this.#listings.add(flowRunId);
    if (clusters.length === 0) {
      this.#done.add(flowRunId);
      return 0;
    }
    const run = await this.#deps.states.refresh(flowRunId);
    if (!isStillNeeded(run)) return 0;
    const deletable = clusters.filter((cluster) => isDeletedWithRun(cluster, run));
    if (deletable.length === 0) return 0;
    // While the flow itself runs, it needs its workers.
    if (!(await this.#hasPods(flowRunId, deletedJobs))) {
      for (const cluster of deletable) await this.#deleteCluster(flowRunId, cluster);
      this.#done.add(flowRunId);
    }
    return clusters.flatMap(podsOf).filter((pod) => !hasEnded(pod)).length;
  }

  /** The clusters of each of these runs, without guesses. */
  async #list(ids: readonly string[]): Promise<readonly (readonly ObservedCluster[])[]> {
    const { kube, view } = this.#deps;
    const objects = await listDask(new Listing(kube), this.#deps.settings.namespace, "all");
    const runs = view.flowRunIds().map((flowRunId) => view.observe(flowRunId));
    const found = findClusters(objects, runs, { withGuesses: false }).filter(
      ({ kind, owner }) => kind !== "gateway" && owner !== undefined,
    );
    const byRun = Map.groupBy(found, ({ owner }) => owner?.flowRunId);
    return ids.map((id) => byRun.get(id) ?? []);
  }

  /** Reads from the cluster whether a pod of the flow itself is active. */
  #hasPods(flowRunId: string, deletedJobs: ReadonlySet<string>): Promise<boolean> {
    const isDeleted = (uid: string): boolean =>
      deletedJobs.has(uid) || this.#deps.view.isDeletionExpected(uid);
    return hasObject(this.#deps, "pods", flowRunId, (pod) => isLivingFlowPod(pod, isDeleted));
  }

  async #deleteCluster(flowRunId: string, cluster: ObservedCluster): Promise<void> {
    const { log, metrics } = this.#deps;
    const { items } = cancelPlan({ runs: [], unownedDask: [cluster] }, new Set([flowRunId]));
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
      if (!isForbidden(error)) throw error;
      const missing = `Missing permission to delete ${resource}: Dask clusters of cancelled flow runs are not deleted`;
      if (!this.#forbidden.has(resource)) log.warn(missing, { name: ref.name });
      this.#forbidden.add(resource);
      return false;
    }
  }
}
