// plan: which parts of a Dask cluster to delete. Finished pods are deleted after some time, whoever created them. Running
// ones are deleted only if they certainly belong to a flow run that is over (dask-kubernetes issues 53, 343: nothing else
// ever deletes either).

import { partsOf, podsOf } from "../dask/dask-cluster.ts";
import { formatDuration } from "../base/duration.ts";
import { podFinishedAt, isPodActive } from "../dask/pod-status.ts";
import { isControlled, isUniqueName } from "../dask/recognise.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import { isKept } from "../job/labels.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";
import { itemOf, ORDER } from "./item.ts";
import type { KeepOrDelete, Kept, OwnerRun, PlanItem, Removable } from "./item.ts";
import { livingPods, ownerRun } from "./run-lifecycle.ts";
import type { RunLifecycle } from "./run-lifecycle.ts";

/** A Dask cluster, and what the rules need. */
export interface DaskPlanInput {
  readonly dask: ObservedCluster;
  /** The run that it is attributed to, if that is known; also for a guess. */
  readonly owner: { readonly run: InventoryRun; readonly lifecycle: RunLifecycle } | undefined;
  /** Why all its parts are kept, if they are. */
  readonly keep?: string | undefined;
  /** Uids of Jobs that the plan deletes: their pods no longer keep a cluster. */
  readonly deletedJobs: ReadonlySet<string>;
  readonly olderThanMs: number;
  /** Keep what has merely finished, and with it the Services and budgets of its cluster. */
  readonly orphansOnly: boolean;
  readonly now: Date;
}

class ClusterPlan {
  readonly items: PlanItem[] = [];
  readonly kept: Kept[] = [];
  readonly #cluster: string;
  readonly #run: OwnerRun | undefined;
  readonly #keepAll: string | undefined;

  constructor({ dask, owner, keep }: DaskPlanInput) {
    this.#keepAll = keep;
    this.#cluster = dask.name;
    this.#run = owner === undefined ? undefined : ownerRun(owner.run);
  }

  /** Whether the object is deleted, or is being deleted already. */
  add(
    resource: Removable,
    object: { readonly metadata: Meta },
    part: { order: number; running?: boolean } & KeepOrDelete,
  ): boolean {
    const { metadata } = object;
    if (metadata.deletionTimestamp !== undefined) return true;
    if (isKept(metadata)) return this.#keep(resource, metadata, "annotated prefect.io/keep");
    if (this.#keepAll !== undefined) return this.#keep(resource, metadata, this.#keepAll);
    if ("keep" in part) return this.#keep(resource, metadata, part.keep);
    const { reason, message, order, running = false } = part;
    this.items.push({
      ...itemOf(metadata),
      resource,
      reason,
      message,
      run: this.#run,
      cluster: this.#cluster,
      order,
      running,
    });
    return true;
  }

  #keep(resource: Removable, { namespace, name }: Meta, reason: string): boolean {
    this.kept.push({ resource, ref: { namespace, name }, reason, run: this.#run });
    return false;
  }
}

/** The cluster's objects, each to delete or to keep. */
export function planDask(input: DaskPlanInput): { items: PlanItem[]; kept: Kept[] } {
  const plan = new ClusterPlan(input);
  switch (input.dask.kind) {
    case "gateway":
      for (const pod of podsOf(input.dask))
        plan.add("pods", pod, { order: 0, keep: "managed by dask-gateway" });
      break;
    case "operator":
      planOperator(input, plan);
      break;
    case "classic":
      planClassic(input, plan);
      break;
  }
  return { items: plan.items, kept: plan.kept };
}

/** Of the operator's clusters only the DaskCluster is deleted: the operator would create deleted pods again. */
function planOperator(input: DaskPlanInput, plan: ClusterPlan): void {
  const { dask } = input;
  if (dask.resource === undefined) {
    const keep = "managed by the Dask operator, whose DaskCluster cannot be read";
    for (const pod of podsOf(dask)) plan.add("pods", pod, { order: 0, keep });
    return;
  }
  const part = planRunning(input, [dask.resource, ...podsOf(dask).filter(isPodActive)]);
  plan.add("daskclusters", dask.resource, { order: ORDER.daskCluster, running: true, ...part });
}

function planClassic(input: DaskPlanInput, plan: ClusterPlan): void {
  const { dask } = input;
  const living = podsOf(dask).filter(isPodActive);
  const livingPlan = living.length === 0 ? undefined : planRunning(input, living);
  let keptPods = 0;
  for (const pod of podsOf(dask)) {
    const order = pod === dask.scheduler ? ORDER.scheduler : ORDER.worker;
    const running = pod.status.phase === "Running";
    const part = isPodActive(pod) ? (livingPlan ?? { keep: "" }) : planFinishedPod(pod, input);
    if (!plan.add("pods", pod, { order, running, ...part })) keptPods++;
  }
  const part = planFrontends(input, { keptPods, livingPlan });
  for (const object of dask.budgets) addFrontend(plan, "poddisruptionbudgets", { object, input, part });
  for (const object of dask.services) addFrontend(plan, "services", { object, input, part });
}

function addFrontend(
  plan: ClusterPlan,
  resource: "poddisruptionbudgets" | "services",
  { object, input, part }: { object: AnyObject; input: DaskPlanInput; part: KeepOrDelete },
): void {
  const order = resource === "services" ? ORDER.service : ORDER.budget;
  const ageMs = input.now.getTime() - Date.parse(object.metadata.creationTimestamp);
  // When the last pod disappeared is unknown: the object's own age must do.
  const isYoung = !("keep" in part) && part.reason === "no-pods" && ageMs < input.olderThanMs;
  const keepYoung = { keep: `its cluster has no pods, but it is only ${formatDuration(ageMs)} old` };
  plan.add(resource, object, { order, ...(isYoung ? keepYoung : part) });
}

function planFinishedPod(pod: Pod, { now, olderThanMs, orphansOnly }: DaskPlanInput): KeepOrDelete {
  const sinceMs = now.getTime() - (podFinishedAt(pod) ?? now).getTime();
  const result = pod.status.phase === "Succeeded" ? "Completed" : "Failed";
  if (isControlled(pod.metadata)) return { keep: `${result}, but managed by a controller` };
  if (sinceMs < olderThanMs) return { keep: `${result} only ${formatDuration(sinceMs)} ago` };
  if (orphansOnly) return { keep: `${result}, not orphaned` };
  return { reason: "finished", message: `${result} ${formatDuration(sinceMs)} ago` };
}

/** Running parts: their flow run must be certain, it must be over, and none of its own pods may be left. */
function planRunning(input: DaskPlanInput, parts: readonly { readonly metadata: Meta }[]): KeepOrDelete {
  const { dask, owner, now, olderThanMs } = input;
  const by = dask.owner?.by;
  if (by === undefined) return { keep: "running, but its flow run is unknown" };
  if (by === "guess") return { keep: "running, and its flow run is only a guess" };
  if (by === "address") return { keep: "running, and only a scheduler address links it to its flow run" };
  if (owner === undefined) return { keep: "running, and the state of its flow run is unknown" };
  const { lifecycle } = owner;
  if (lifecycle.kind === "alive") return planReplaced(input);
  if (lifecycle.kind === "unknown") return { keep: `running, ${lifecycle.text}` };
  const newestMs = Math.max(...parts.map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
  const sinceMs = now.getTime() - Math.max(newestMs, lifecycle.since?.getTime() ?? 0);
  if (sinceMs < olderThanMs)
    return { keep: `${lifecycle.text}, but the last change was ${formatDuration(sinceMs)} ago` };
  if (remainingPods(input).length > 0) return { keep: "running, and a pod of its flow run is still running" };
  return { reason: "orphaned", message: `${lifecycle.text}, but the cluster is still running` };
}

/**
 * A restarted run creates a new cluster and no longer uses the old one. The pod that created the old one is gone when every
 * living pod of the run is newer than the cluster; its unique name rules out that the pods share it.
 */
function planReplaced(input: DaskPlanInput): KeepOrDelete {
  const { dask, owner, olderThanMs, now } = input;
  const keep = `running, ${owner?.lifecycle.text ?? ""}`;
  const pods = remainingPods(input);
  if (pods.length === 0 || !isUniqueName(dask.name)) return { keep };
  const createdMs = Math.min(...partsOf(dask).map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
  const oldestPodMs = Math.min(...pods.map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
  if (createdMs >= oldestPodMs) return { keep };
  const sinceMs = now.getTime() - oldestPodMs;
  if (sinceMs < olderThanMs)
    return { keep: `its flow run was restarted only ${formatDuration(sinceMs)} ago` };
  return {
    reason: "replaced",
    message: "its flow run was restarted, and the pod that created the cluster is gone",
  };
}

function planFrontends(
  input: DaskPlanInput,
  pods: { readonly keptPods: number; readonly livingPlan: KeepOrDelete | undefined },
): KeepOrDelete {
  const { owner, dask } = input;
  if (pods.keptPods > 0) return { keep: "a pod of its cluster is kept" };
  if (pods.livingPlan !== undefined) return pods.livingPlan;
  const isCertain = dask.owner !== undefined && dask.owner.by !== "guess";
  const isUsed = owner?.lifecycle.kind === "alive" || remainingPods(input).length > 0;
  if (isCertain && isUsed) return { keep: owner?.lifecycle.text ?? "its flow run is still running" };
  return { reason: "no-pods", message: "its Dask cluster has no pods" };
}

/** Living pods of the owner, without those whose Job the plan deletes. */
function remainingPods({ owner, deletedJobs }: DaskPlanInput): readonly Pod[] {
  if (owner === undefined) return [];
  return livingPods(owner.run).filter(
    ({ metadata }) => !(metadata.ownerReferences ?? []).some(({ uid }) => deletedJobs.has(uid)),
  );
}
