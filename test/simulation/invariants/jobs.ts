// Rules about Jobs: who may create and delete them, and when.

import { arrayIn, objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { takesRun } from "../../../src/orchestrator/agent-identity.ts";
import { isFinished } from "../../../src/prefect1/states.ts";
import type { KubeObject } from "../../fakes/kubernetes/kube-object.ts";
import type { JobFact, RunFact } from "../facts.ts";
import type { JobEvent, Scene, Watcher } from "../scene.ts";
import { isOwner, isSame, knewBetter, nameOwner } from "./whose.ts";

/** Times in Kubernetes are whole seconds, and clocks of agents follow the servers' Date headers. */
const ROUNDING_MS = 2_500;
const SIDECAR_GRACE_MS = 60_000;
const LOOK_MS = 30_000;
/** So long after an outage a claim may arrive that was sent before the lead was lost. */
const LEAD_MS = 60_000;
/** So long after a run was launched again its old Job is gone. */
const REPLACED_MS = 20_000;
const LIVING_RULE = "no living Job is deleted but by its owner's policy or a person";

export const isLive = (job: JobFact): boolean =>
  job.deletedMs === undefined && job.endedMs === undefined && !job.isGone;

const isSamePlace = (one: JobFact, other: JobFact): boolean =>
  one.cluster === other.cluster && one.namespace === other.namespace;

/** It cannot start, and its run was failed for that; the policy may keep it. */
function isGivenUp({ run, createdMs }: JobFact): boolean {
  return run.states.some(
    ({ type, by, atMs }) => type === "Failed" && by.kind === "agent" && atMs > createdMs,
  );
}

/** A run has one Job for each claim, and one living Job at a time in a namespace. */
export function oneJobPerClaim(scene: Scene): Watcher {
  return {
    onJob: ({ kind, job, by }) => {
      if (kind !== "created" || by.kind !== "agent") return;
      const { run } = job;
      const rule = "one Job per submission";
      if (run.jobs.length > run.claims.size)
        scene.violated(rule, `${run.name} has ${run.jobs.length} Jobs for ${run.claims.size} claims`);
      const other = run.jobs.find(
        (known) =>
          known !== job &&
          isSamePlace(known, job) &&
          isLive(known) &&
          !isGivenUp(known) &&
          !isStuck(scene, known),
      );
      if (other !== undefined)
        scene.violated(
          rule,
          `${by.name} creates Job ${job.name} of ${run.name} beside ${other.name}, which lives`,
        );
    },
  };
}

/** The old Job of a run that was launched again goes, also if it is stuck. */
export function oneLivingJob(scene: Scene): Watcher {
  return {
    onTick: () => {
      const { calmSinceMs = scene.nowMs } = scene.acts;
      if (scene.nowMs - calmSinceMs < REPLACED_MS) return;
      for (const run of scene.runs.values()) {
        const living = run.jobs.filter(isLive);
        const newest = living.at(-1);
        if (newest === undefined || scene.nowMs - newest.createdMs < REPLACED_MS) continue;
        for (const old of living)
          if (old !== newest && isSamePlace(old, newest) && !isRunning(scene, old))
            scene.violated(
              "one Job per submission",
              `${old.name} of ${run.name} lives on beside ${newest.name}`,
            );
      }
    },
  };
}

/** A Job is built by the settings of the agent that creates it, for a run that it may take, and not before it is due. */
export function builtByItsOwner(scene: Scene): Watcher {
  const rule = "a Job is built by its owner's settings, when it is due";
  return {
    onJob: ({ kind, job, by, object }) => {
      if (kind !== "created" || by.agent === undefined) return;
      const { plan, at, process } = by.agent;
      const { run } = job;
      const env = (object.spec.template?.spec?.containers ?? []).flatMap((container) => container.env ?? []);
      const madeBy = env.find(({ name }) => name === "MADE_BY")?.value;
      if (madeBy !== String(at))
        scene.violated(rule, `${by.name} builds ${job.name} with the settings of agent ${madeBy}`);
      // Whoever may claim it, may create its Job.
      if (!takesRun(plan.labels, run.plan.labels) && run.claimer?.agent?.at !== at)
        scene.violated(rule, `${by.name} creates a Job of ${run.name}, whose labels it does not have`);
      const { type } = run.states.at(-1) ?? {};
      if (type !== "Submitted" && type !== "Running" && knewBetter(scene, process, run))
        scene.violated(
          rule,
          `${by.name} creates ${job.name} although it has read that ${run.name} is ${type}`,
        );
      const scheduled = run.states.findLast((state) => state.type === "Scheduled");
      const dueMs = (run.states[0]?.atMs ?? 0) + run.plan.dueInS * 1_000;
      if (scheduled === run.states[0] && scene.nowMs < dueMs - ROUNDING_MS)
        scene.violated(rule, `${by.name} creates ${job.name} ${dueMs - scene.nowMs} ms before it is due`);
    },
  };
}

/** Never more living Jobs of an agent than its --limit. */
export function withinLimit(scene: Scene): Watcher {
  return {
    onJob: ({ kind, by }) => {
      const { agent } = by;
      const { limit, replicas = 1, leaderElect } = agent?.plan ?? {};
      // Replicas without a leader count each for itself.
      if (kind !== "created" || limit === undefined || replicas > 1) return;
      // Who loses the lead in an outage may have sent a claim that the next leader cannot count.
      const { calmSinceMs = scene.nowMs } = scene.acts;
      if (leaderElect === true && scene.nowMs - calmSinceMs < LEAD_MS) return;
      // What another agent has adopted counts for that one.
      const counts = (job: JobFact): boolean =>
        job.by.agent?.at === agent?.at &&
        (job.owner === undefined || (agent !== undefined && isSame(job.owner, agent.plan)));
      const live = [...scene.jobs.values()].filter((job) => isLive(job) && counts(job));
      if (live.length > limit)
        scene.violated("no more Jobs than --limit", `${by.name} has ${live.length} of ${limit}`);
    },
  };
}

/** An agent deletes only its own Jobs, after their report, and by its own policy. */
export function deletedInItsTime(scene: Scene): Watcher {
  return {
    onJob: (event) => {
      if (event.kind !== "deletion" || event.by.agent === undefined || isUndone(event)) return;
      const { job, by } = event;
      if (!isOwner(scene, by.agent, job))
        scene.violated(
          "nobody acts on what is another's",
          `${by.name} deletes ${job.name} of ${nameOwner(job)}`,
        );
      if (job.run.isDeleted) return;
      const endedMs = job.endedMs ?? flowSucceededMs(scene, job);
      if (endedMs === undefined) checkUnfinished(scene, event);
      else checkFinished(scene, event, endedMs);
    },
  };
}

/** `cleanup` deletes no Job that lives while its run is not over. */
export function cleanedUp(scene: Scene): Watcher {
  return {
    onJob: ({ kind, job, by }) => {
      if (kind !== "deletion" || by.kind !== "cleanup") return;
      const { run } = job;
      scene.cause(run, "cleanup deletes its Job");
      const { type = "", atMs = 0 } = run.states.at(-1) ?? {};
      // What changed within its last look is nobody's fault.
      const isOver = run.isDeleted || isFinished(type) || scene.nowMs - atMs < LOOK_MS;
      if (job.endedMs === undefined && !isOver)
        scene.violated(LIVING_RULE, `cleanup deletes ${job.name}, but ${run.name} is ${type}`);
    },
  };
}

/** The creator takes its own Job back when its claim was lost meanwhile. */
function isUndone({ job, by }: JobEvent): boolean {
  return job.by === by && job.run.claimer !== by;
}

/** Its run was launched again: it has a newer Job, or another agent has taken it over in another place. */
function isReplaced(job: JobFact): boolean {
  const { run, cluster, namespace } = job;
  const { type } = run.states.at(-1) ?? {};
  if (run.jobs.slice(run.jobs.indexOf(job) + 1).some((newer) => isSamePlace(newer, job) && isLive(newer)))
    return true;
  const plan = type === "Submitted" ? run.claimer?.agent?.plan : undefined;
  return plan !== undefined && (plan.cluster !== cluster || plan.namespace !== namespace);
}

function checkUnfinished(scene: Scene, { job, by }: JobEvent): void {
  const { run } = job;
  const rule = LIVING_RULE;
  if (!isRunning(scene, job) && (run.causes.length > 0 || isReplaced(job))) return;
  const { type = "", by: settler } = run.states.at(-1) ?? {};
  // It was stuck, and its failure is reported.
  if (type === "Failed" && settler?.kind === "agent") return;
  const isCancelled = type === "Cancelling" || type === "Cancelled";
  const graceMs = isCancelled ? (by.agent?.plan.cancelGraceS ?? 60) * 1_000 : SIDECAR_GRACE_MS;
  // It began with the first of the states that end a run, whichever people set after it.
  const lastAlive = run.states.findLastIndex(
    (state) => state.type !== "Cancelling" && !isFinished(state.type),
  );
  const overMs = scene.nowMs - (run.states[lastAlive + 1]?.atMs ?? 0);
  if (!isCancelled && !isFinished(type)) {
    scene.violated(rule, `${by.name} deletes ${job.name}, but ${run.name} is ${type}`);
  } else if (overMs < graceMs - ROUNDING_MS)
    scene.violated(rule, `${by.name} deletes ${job.name} ${overMs} ms after the end of ${run.name}: ${type}`);
}

function checkFinished(scene: Scene, { job, by }: JobEvent, endedMs: number): void {
  const { run } = job;
  const { deleteFailedAfterS, deleteSucceededAfterS } = by.agent?.plan ?? {};
  const afterS = job.hasFailed ? deleteFailedAfterS : deleteSucceededAfterS;
  // A Job that was given up, and reported, may end much later.
  const last = run.states.at(-1);
  const isGivenUp = last?.type === "Failed" && last.by?.kind === "agent";
  const overMs = scene.nowMs - Math.min(endedMs, isGivenUp ? last.atMs : endedMs);
  if (afterS === undefined || overMs < afterS * 1_000 - ROUNDING_MS)
    scene.violated(
      LIVING_RULE,
      `${by.name} deletes ${job.name} ${overMs} ms after its end; its policy: ${afterS ?? "never"}`,
    );
  if (job.hasFailed && !isReported(run, job))
    scene.violated(
      "no deletion before its report was accepted",
      `${by.name} deletes ${job.name} of ${run.name}`,
    );
}

/** Whether the run's log tells of the Job's end, and its state is over or another's. */
export function isReported(run: RunFact, job: JobFact): boolean {
  // Of a Job that was gone before an agent saw it, only the end of its name is known.
  const lost = `Job ...-${job.name.split("-").at(-1)} was deleted`;
  const isTold = [...run.lines.keys()].some(
    (line) => (line.includes(job.name) && /^(?:Job|After) /.test(line)) || line.includes(lost),
  );
  const type = run.states.at(-1)?.type ?? "";
  const isCancelled = type === "Cancelling" || type === "Cancelled";
  if (isCancelled) return true;
  const isNewest = run.jobs.at(-1) === job;
  return isTold && (isFinished(type) || type === "Scheduled" || type === "Submitted" || !isNewest);
}

/** Whether the flow's container runs in a pod of the Job. */
function isRunning(scene: Scene, job: JobFact): boolean {
  return podsOf(scene, job).some(
    ({ metadata, status }) =>
      status?.["phase"] === "Running" &&
      // Between its crashes nothing runs in it.
      containerStates(status).some((state) => "running" in state) &&
      metadata.deletionTimestamp === undefined &&
      !scene.lostPods.has(metadata.uid),
  );
}

/** Whether something that may pass keeps its pod from starting. */
function isStuck(scene: Scene, job: JobFact): boolean {
  const reasons = podsOf(scene, job)
    .flatMap(({ status }) => containerStates(status))
    .map(({ waiting }) => objectIn(waiting)["reason"]);
  return reasons.some((reason) => reason !== undefined && reason !== "ContainerCreating");
}

/** When the flow ended well, if only pods that are being deleted keep the Job from completing. */
function flowSucceededMs(scene: Scene, job: JobFact): number | undefined {
  if (isRunning(scene, job)) return undefined;
  const pod = podsOf(scene, job).find(({ status }) => status?.["phase"] === "Succeeded");
  const [end] = containerStates(pod?.status).flatMap(({ terminated }) => terminated ?? []);
  const { finishedAt } = objectIn(end);
  return typeof finishedAt === "string" ? Date.parse(finishedAt) : undefined;
}

function podsOf(scene: Scene, job: JobFact): readonly KubeObject[] {
  const pods = scene.world.kubes[job.cluster]?.list("pods", job.namespace) ?? [];
  return pods.filter(({ metadata }) => (metadata.ownerReferences ?? []).some(({ uid }) => uid === job.uid));
}

function containerStates(status: KubeObject["status"]): readonly JsonObject[] {
  return arrayIn(status?.["containerStatuses"]).map((each) => objectIn(objectIn(each)["state"]));
}
