// plan: which parts of a Dask cluster to delete. Finished pods are deleted after some time, whoever created them. Running
// ones are deleted only if they certainly belong to a flow run that is over (dask-kubernetes issues 53, 343: nothing else
// ever deletes either).

import { partsOf, podsOf, type ObservedCluster } from "../dask/dask-cluster.ts";
import { formatDuration } from "../base/duration.ts";
import { isControlled, isUniqueName } from "../dask/recognise.ts";
import { isMadeByPrefect } from "../job/labels.ts";
import { createdMs, type ObservedJob } from "../job/observe/observed.ts";
import { hasEnded, podFinishedAt } from "../job/observe/pod-termination.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";
import { PlanDraft, type KeepOrDelete, type Plan } from "./item.ts";
import { worksOn, type PlannedRun } from "./run-lifecycle.ts";

interface DaskPlanInput {
  readonly dask: ObservedCluster;
  /** The run that it is attributed to, if that is known; also for a guess. */
  readonly owner: PlannedRun | undefined;
  /** Uids of Jobs that the plan deletes: their pods no longer keep a cluster. */
  readonly deletedJobs: ReadonlySet<string>;
  readonly olderThanMs: number;
  /** Keep what has merely finished, and with it the Services and budgets of its cluster. */
  readonly orphansOnly: boolean;
  readonly now: Date;
}

/** The cluster's objects, each to delete or to keep. */
export function planDask(input: DaskPlanInput): Plan {
  const { dask, owner } = input;
  const draft = new PlanDraft({ run: owner?.run, cluster: dask.name, keep: owner?.keep });
  if (dask.kind === "classic") planClassic(input, draft);
  else if (dask.kind === "operator" && dask.resource !== undefined) {
    // The operator would create deleted pods again.
    const decision = planRunning(input, [dask.resource, ...podsOf(dask).filter((pod) => !hasEnded(pod))]);
    draft.add("daskCluster", dask.resource, { running: true, pods: podsOf(dask), ...decision });
  } else {
    const isGateway = dask.kind === "gateway";
    const by = isGateway ? "dask-gateway" : "the Dask operator, whose DaskCluster cannot be read";
    for (const pod of podsOf(dask)) draft.add("worker", pod, { keep: `managed by ${by}` });
  }
  return draft;
}

function planClassic(input: DaskPlanInput, draft: PlanDraft): void {
  const { dask } = input;
  const living = podsOf(dask).filter((pod) => !hasEnded(pod));
  const livingPlan = planRunning(input, living);
  for (const pod of podsOf(dask)) {
    const part = pod === dask.scheduler ? "scheduler" : "worker";
    const decision = hasEnded(pod) ? planFinishedPod(pod, input) : livingPlan;
    draft.add(part, pod, { running: pod.status.phase === "Running", ...decision });
  }
  const hasKeptPod = draft.kept.length > 0;
  const planOther = (object: AnyObject): KeepOrDelete => {
    if (hasKeptPod) return { keep: "a pod of its cluster is kept" };
    return living.length > 0 ? livingPlan : planFrontend(object, input);
  };
  for (const budget of dask.budgets) draft.add("budget", budget, planOther(budget));
  for (const service of dask.services) draft.add("service", service, planOther(service));
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
  const newestMs = Math.max(...parts.map(createdMs));
  const sinceMs = now.getTime() - Math.max(newestMs, lifecycle.since?.getTime() ?? 0);
  if (sinceMs < olderThanMs)
    return { keep: `${lifecycle.text}, but the last change was ${formatDuration(sinceMs)} ago` };
  if (remainingPods(input).length > 0) return { keep: "running, and a pod of its flow run is still running" };
  return { reason: "orphaned", message: `${lifecycle.text}, but the cluster is still running` };
}

/** A restarted run has a new cluster: the old one goes when every living pod of the run is newer, so that none shares it. */
function planReplaced(input: DaskPlanInput): KeepOrDelete {
  const { dask, owner, olderThanMs, now } = input;
  const keep = `running, ${owner?.lifecycle.text ?? ""}`;
  const pods = remainingPods(input);
  // Only a Job of Prefect's shows a restart: those that the flow makes are newer than its cluster, too.
  const made = jobsIn(owner)
    .filter(({ job }) => isMadeByPrefect(job.metadata))
    .flatMap((job) => job.pods);
  if (!made.some((pod) => pods.includes(pod)) || !isUniqueName(dask.name)) return { keep };
  const oldestPodMs = Math.min(...pods.map(createdMs));
  if (Math.min(...partsOf(dask).map(createdMs)) >= oldestPodMs) return { keep };
  const sinceMs = now.getTime() - oldestPodMs;
  if (sinceMs < olderThanMs)
    return { keep: `its flow run was restarted only ${formatDuration(sinceMs)} ago` };
  const message = "its flow run was restarted, and the pod that created the cluster is gone";
  return { reason: "replaced", message };
}

/** A Service or budget of a cluster without pods. */
function planFrontend(object: AnyObject, input: DaskPlanInput): KeepOrDelete {
  const { owner, dask, now, olderThanMs } = input;
  const isCertain = dask.owner !== undefined && dask.owner.by !== "guess";
  const isUsed = owner?.lifecycle.kind === "alive" || remainingPods(input).length > 0;
  if (isCertain && isUsed) return { keep: owner?.lifecycle.text ?? "its flow run is still running" };
  // When the last pod disappeared is unknown: the age of the Service or budget must do.
  const ageMs = now.getTime() - createdMs(object);
  if (ageMs < olderThanMs)
    return { keep: `its cluster has no pods, but it is only ${formatDuration(ageMs)} old` };
  return { reason: "no-pods", message: "its Dask cluster has no pods" };
}

/** Living pods of the owner, without those whose Job the plan deletes. */
function remainingPods({ owner, deletedJobs }: DaskPlanInput): readonly Pod[] {
  const pods = jobsIn(owner).flatMap((job) => job.pods);
  return pods.filter((pod) => worksOn(pod, (uid) => deletedJobs.has(uid)));
}

function jobsIn(owner: PlannedRun | undefined): readonly ObservedJob[] {
  return owner?.run.observed.jobs ?? [];
}
