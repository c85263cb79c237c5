// plan: what becomes of a Dask cluster. Its finished pods go by age, whoever made them. What still works goes only when
// it withoutGuess belonged to a flow run that is over (dask-kubernetes issues 53, 343: nothing else ever removes either).

import { formatDuration } from "../base/duration.ts";
import { endOfPod, isLiving } from "../dask/pod-life.ts";
import { isControlled, isUniqueName } from "../dask/recognise.ts";
import type { ObservedCluster } from "../dask/dask-cluster.ts";
import type { InventoryRun } from "../inventory/inventory.ts";
import { isKept } from "../job/labels.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";
import { itemOf, ORDER } from "./item.ts";
import type { Ground, Kept, OwnerRun, PlanItem, Removable } from "./item.ts";
import { livingPods, ownerRun } from "./run-lifecycle.ts";
import type { Standing } from "./run-lifecycle.ts";

/** A Dask cluster with what the rules look at. */
export interface DaskCase {
  readonly dask: ObservedCluster;
  /** The run that it is attributed to, if that is known; also for a guess. */
  readonly owner: { readonly print: InventoryRun; readonly standing: Standing } | undefined;
  /** Uids of Jobs that the plan removes: their pods no longer keep a cluster. */
  readonly deletedJobs: ReadonlySet<string>;
  readonly olderThanMs: number;
  /** What merely finished stays, and with it what leads to it. */
  readonly orphansOnly: boolean;
  readonly now: Date;
}

type PodDecision = { readonly ground: Ground; readonly why: string } | { readonly stays: string };

class Parts {
  readonly items: PlanItem[] = [];
  readonly kept: Kept[] = [];
  readonly #subject: DaskCase;
  readonly #run: OwnerRun | undefined;

  constructor(subject: DaskCase) {
    this.#subject = subject;
    this.#run = subject.owner === undefined ? undefined : ownerRun(subject.owner.print);
  }

  /** Whether it goes. */
  add(
    resource: Removable,
    object: { readonly metadata: Meta },
    more: { order: number; running?: boolean } & PodDecision,
  ): boolean {
    const { metadata } = object;
    if (metadata.deletionTimestamp !== undefined) return true;
    if (isKept(metadata)) return this.#stays(resource, metadata, "annotated prefect.io/keep");
    if ("stays" in more) return this.#stays(resource, metadata, more.stays);
    const { ground, why, order, running = false } = more;
    const cluster = this.#subject.dask.name;
    this.items.push({
      ...itemOf(metadata),
      resource,
      reason: ground,
      message: why,
      run: this.#run,
      cluster,
      order,
      running,
    });
    return true;
  }

  #stays(resource: Removable, { namespace, name }: Meta, why: string): boolean {
    this.kept.push({ resource, ref: { namespace, name }, reason: why, run: this.#run });
    return false;
  }
}

/** The cluster's objects, each to go or to stay. */
export function planDask(subject: DaskCase): { items: PlanItem[]; kept: Kept[] } {
  const parts = new Parts(subject);
  switch (subject.dask.kind) {
    case "gateway":
      for (const pod of podsOf(subject.dask))
        parts.add("pods", pod, { order: 0, stays: "dask-gateway looks after it" });
      break;
    case "operator":
      planOperator(subject, parts);
      break;
    case "classic":
      planClassic(subject, parts);
      break;
  }
  return { items: parts.items, kept: parts.kept };
}

/** Of the operator's clusters only the DaskCluster is ours to delete: the operator would make its pods anew. */
function planOperator(subject: DaskCase, parts: Parts): void {
  const { dask } = subject;
  if (dask.resource === undefined) {
    for (const pod of podsOf(dask))
      parts.add("pods", pod, { order: 0, stays: "the operator's, and its DaskCluster cannot be seen" });
    return;
  }
  const judgement = onWorking(subject, [dask.resource, ...podsOf(dask).filter(isLiving)]);
  parts.add("daskclusters", dask.resource, { order: ORDER.daskCluster, running: true, ...judgement });
}

function planClassic(subject: DaskCase, parts: Parts): void {
  const { dask } = subject;
  const living = podsOf(dask).filter(isLiving);
  const onLiving = living.length === 0 ? undefined : onWorking(subject, living);
  let left = 0;
  for (const pod of podsOf(dask)) {
    const order = pod === dask.scheduler ? ORDER.scheduler : ORDER.worker;
    const running = pod.status.phase === "Running";
    const judgement = isLiving(pod) ? (onLiving ?? { stays: "" }) : onFinishedPod(pod, subject);
    if (!parts.add("pods", pod, { order, running, ...judgement })) left++;
  }
  const judgement = onFrontends(subject, { left, onLiving });
  for (const budget of dask.budgets)
    addFrontend(parts, "poddisruptionbudgets", { object: budget, subject, judgement });
  for (const service of dask.services)
    addFrontend(parts, "services", { object: service, subject, judgement });
}

function addFrontend(
  parts: Parts,
  resource: "poddisruptionbudgets" | "services",
  { object, subject, judgement }: { object: AnyObject; subject: DaskCase; judgement: PodDecision },
): void {
  const order = resource === "services" ? ORDER.service : ORDER.budget;
  const ageMs = subject.now.getTime() - Date.parse(object.metadata.creationTimestamp);
  // Without pods nothing else says how long it has been so: at most since it was made.
  const young = !("stays" in judgement) && judgement.ground === "no-pods" && ageMs < subject.olderThanMs;
  const last = young ? { stays: `without pods, but only ${formatDuration(ageMs)} old` } : judgement;
  parts.add(resource, object, { order, ...last });
}

function onFinishedPod(pod: Pod, { now, olderThanMs, orphansOnly }: DaskCase): PodDecision {
  const sinceMs = now.getTime() - (endOfPod(pod) ?? now).getTime();
  const word = pod.status.phase === "Succeeded" ? "Completed" : "Failed";
  if (isControlled(pod.metadata)) return { stays: `${word}, but a controller looks after it` };
  if (sinceMs < olderThanMs) return { stays: `${word} only ${formatDuration(sinceMs)} ago` };
  if (orphansOnly) return { stays: `${word}, not orphaned` };
  return { ground: "finished", why: `${word} ${formatDuration(sinceMs)} ago` };
}

/** What is still at work: whose it is must be certain, and that one must be over, with no pod of its own left. */
function onWorking(subject: DaskCase, parts: readonly { readonly metadata: Meta }[]): PodDecision {
  const { dask, owner, now, olderThanMs } = subject;
  const by = dask.owner?.by;
  if (by === undefined) return { stays: "at work, and nothing tells for which flow run" };
  if (by === "guess") return { stays: "at work, and it is only a guess for which flow run" };
  if (by === "address") return { stays: "at work, and only an address tells for which flow run" };
  if (owner === undefined) return { stays: "at work, and the state of its flow run is not known" };
  const { standing } = owner;
  if (standing.kind === "alive") return onReplaced(subject);
  if (standing.kind === "unknown") return { stays: `at work, ${standing.words}` };
  const newest = Math.max(...parts.map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
  const sinceMs = now.getTime() - Math.max(newest, standing.since?.getTime() ?? 0);
  if (sinceMs < olderThanMs)
    return { stays: `${standing.words}, but it changed ${formatDuration(sinceMs)} ago` };
  if (remaining(subject).length > 0) return { stays: "at work, and a pod of its flow run still lives" };
  return { ground: "orphaned", why: `${standing.words}, the cluster is still at work` };
}

/**
 * A restarted run works with a new cluster; the one before works for nobody. Its maker is gone when every pod of the run
 * that lives was created after it: a name of its own keeps the cluster from being shared.
 */
function onReplaced(subject: DaskCase): PodDecision {
  const { dask, owner, olderThanMs, now } = subject;
  const words = owner?.standing.words ?? "";
  const pods = remaining(subject);
  if (pods.length === 0 || !isUniqueName(dask.name)) return { stays: `at work, ${words}` };
  const madeMs = Math.min(...everything(dask).map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
  const eldestMs = Math.min(...pods.map(({ metadata }) => Date.parse(metadata.creationTimestamp)));
  if (madeMs >= eldestMs) return { stays: `at work, ${words}` };
  const sinceMs = now.getTime() - eldestMs;
  if (sinceMs < olderThanMs)
    return { stays: `its flow run was restarted, only ${formatDuration(sinceMs)} ago` };
  return { ground: "replaced", why: "its flow run was restarted, the pod that made the cluster is gone" };
}

function onFrontends(
  subject: DaskCase,
  pods: { readonly left: number; readonly onLiving: PodDecision | undefined },
): PodDecision {
  const { owner, dask } = subject;
  if (pods.left > 0) return { stays: "a pod of its cluster stays" };
  if (pods.onLiving !== undefined) return pods.onLiving;
  const firm = dask.owner !== undefined && dask.owner.by !== "guess";
  const isWanted = owner?.standing.kind === "alive" || remaining(subject).length > 0;
  if (firm && isWanted) return { stays: owner?.standing.words ?? "its flow run still lives" };
  return { ground: "no-pods", why: "no pod of its cluster is left" };
}

/** Pods of the owner that live, without those whose Job the plan removes. */
function remaining({ owner, deletedJobs: leaving }: DaskCase): readonly Pod[] {
  if (owner === undefined) return [];
  return livingPods(owner.print).filter(
    ({ metadata }) => !(metadata.ownerReferences ?? []).some(({ uid }) => leaving.has(uid)),
  );
}

function podsOf({ scheduler, workers }: ObservedCluster): readonly Pod[] {
  return scheduler === undefined ? workers : [...workers, scheduler];
}

function everything(dask: ObservedCluster): readonly { readonly metadata: Meta }[] {
  const resource = dask.resource === undefined ? [] : [dask.resource];
  return [...podsOf(dask), ...dask.services, ...dask.budgets, ...resource];
}
