// What must be so some time after the last fault: every run is where it belongs, and nothing is left over.

import { takesRun } from "../../../src/orchestrator/agent-identity.ts";
import { isFinished } from "../../../src/prefect1/states.ts";
import { daskRunOf } from "../flow-objects.ts";
import type { JobFact, RunFact } from "../facts.ts";
import type { AgentPlan, Outcome } from "../plan.ts";
import type { Scene } from "../scene.ts";
import { isLive, isReported } from "./jobs.ts";

/** Outcomes with which a run stays as it is until a person acts. */
const ENDLESS = new Set<Outcome>(["never ends", "finds no node", "ends without a word"]);
/** Outcomes with which a run becomes Success, if nobody interferes. */
const SUCCEEDING = new Set<Outcome>([
  "succeeds",
  "pulls its image late",
  "gets its Secret late",
  "finds a node late",
  "retries a task",
  "ignores its cancellation",
]);

/** What is not yet as it must be in the end; empty: all is. */
export function unsettled(scene: Scene): string[] {
  const runs = [...scene.runs.values()].flatMap((run) => unsettledRun(scene, run));
  return [...runs, ...leftPods(scene), ...leftDask(scene)];
}

function unsettledRun(scene: Scene, run: RunFact): string[] {
  const type = run.states.at(-1)?.type ?? "";
  const jobs = run.jobs.filter(({ isGone }) => !isGone);
  const left = jobs.filter((job) => !isKept(scene, job));
  if (run.isDeleted || isFinished(type)) {
    const wrong = left.map((job) => `Job ${job.name} of ${run.name}, which is ${type}, is left`);
    return [...wrong, ...unreported(run), ...wrongEnd(run, type)];
  }
  if (!isTakenBySomebody(scene, run)) return [];
  if (!ENDLESS.has(run.plan.outcome)) return [`${run.name} is ${type}`];
  if (run.plan.outcome === "ends without a word") return [];
  const live = jobs.filter(({ endedMs, deletedMs }) => endedMs === undefined && deletedMs === undefined);
  const isWaiting = type === "Submitted" || type === "Running";
  return isWaiting && live.length === 1 ? [] : [`${run.name} is ${type} and has ${live.length} living Jobs`];
}

/** A Job that its owner's policy keeps. */
function isKept(scene: Scene, job: JobFact): boolean {
  const owner = scene.plan.agents.find((agent) => isOwnedBy(agent, job));
  // A stuck Job of a failed run is kept like a failed one.
  const afterS =
    job.hasFailed || job.endedMs === undefined ? owner?.deleteFailedAfterS : owner?.deleteSucceededAfterS;
  return owner === undefined || afterS === undefined;
}

function isOwnedBy({ name, labels, prefect, cluster, namespace }: AgentPlan, job: JobFact): boolean {
  return (
    cluster === job.cluster &&
    namespace === job.namespace &&
    name === job.owner?.name &&
    labels.join() === job.owner.labels.join() &&
    prefect === job.run.prefect
  );
}

/** Every failed Job of a run that is known has its report. */
function unreported(run: RunFact): string[] {
  if (run.isDeleted || run.isTouched) return [];
  return run.jobs
    .filter((job) => job.hasFailed && !isReported(run, job))
    .map((job) => `${run.name}: the end of Job ${job.name} is not in its log`);
}

function wrongEnd({ isDeleted, isTouched, causes, plan, name }: RunFact, type: string): string[] {
  if (isDeleted || isTouched || causes.length > 0 || !SUCCEEDING.has(plan.outcome)) return [];
  return type === "Success" ? [] : [`${name} is ${type}, although nothing was wrong with it`];
}

/** Whether some agent takes the run: one whose --limit is not used up by Jobs that never end. */
function isTakenBySomebody(scene: Scene, run: RunFact): boolean {
  const live = [...scene.jobs.values()].filter(isLive);
  return scene.plan.agents.some(
    (agent) =>
      agent.prefect === run.prefect &&
      takesRun(agent.labels, run.plan.labels) &&
      live.filter((job) => isOwnedBy(agent, job)).length < (agent.limit ?? Number.POSITIVE_INFINITY),
  );
}

/** Pods whose Job is gone. */
function leftPods(scene: Scene): string[] {
  return scene.world.kubes.flatMap((kube) => {
    const jobs = new Set(kube.list("jobs").map(({ metadata }) => metadata.uid));
    return kube
      .list("pods")
      .filter((pod) => daskRunOf(scene, pod) === undefined)
      .filter(({ metadata }) => !(metadata.ownerReferences ?? []).some(({ uid }) => jobs.has(uid)))
      .map(({ metadata }) => `pod ${metadata.name} is left without its Job`);
  });
}

/** Pods of Dask clusters whose run an agent has ended. Of one whose Job is deleted nobody knows after a restart. */
function leftDask(scene: Scene): string[] {
  const pods = scene.world.kubes.flatMap((kube) => kube.list("pods"));
  return pods.flatMap((pod) => {
    const run = daskRunOf(scene, pod);
    const last = run?.states.at(-1);
    const isVanished = run?.causes.some(({ what }) => what.endsWith("deletes its Job"));
    const isEnded = last?.by.kind === "agent" && isFinished(last.type) && isVanished !== true;
    return isEnded ? [`Dask pod ${pod.metadata.name} of ${run?.name} is left`] : [];
  });
}
