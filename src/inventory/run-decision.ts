// Inventory: what the agent would decide about a run. Pure. The agent remembers when it first observed a problem; an
// inventory takes the time when the pod or Job was created, or ended.

import { isCancelled, isFailed, isFinished, lifecycleOf, type RunStatus } from "../orchestrator/flow-run.ts";
import type { Decision } from "../job/decide/types.ts";
import { DEFAULT_POLICY } from "../job/decide/policy.ts";
import {
  conditionOf,
  hasCondition,
  jobsOfPrefect,
  type ObservedJob,
  type ObservedRun,
} from "../job/observe/observed.ts";
import { isLive, jobPhase, type JobPhase } from "../job/observe/phase.ts";
import { oneLine } from "../job/observe/problem.ts";
import { COMPLETED } from "../job/decide/by-phase.ts";
import { decide } from "../job/decide/decide.ts";
import type { Job } from "../kube/client/objects.ts";
import type { InventoryRun } from "./inventory.ts";

type DecidedRun = Pick<InventoryRun, "observed" | "status" | "podsForbidden">;

export interface DecidedJob {
  readonly job: ObservedJob;
  readonly decision: Decision;
}

/** The decision about the whole run, as an agent with default options would take it. */
export function decideRun(run: DecidedRun, now: Date): Decision {
  const jobs = jobsOfPrefect(run.observed.jobs);
  const newest = jobs.at(-1);
  if (run.podsForbidden === true && newest !== undefined) return decideWithoutPods(newest.job, run.status);
  return decideAbout(jobs, run, now);
}

/** What the state says of a Job that has ended well, or that works on although its run is over. */
function byState(decision: Decision, run: RunStatus): Decision {
  const { status, reason, deletions } = decision;
  if (status !== "finished" || run.kind !== "known") return decision;
  const { type, name, message = "" } = run.state;
  const hasCompleted = reason === COMPLETED;
  if (isFinished(type) && !hasCompleted && deletions.length > 0) return { ...decision, status: "orphaned" };
  if (isFailed(type))
    return {
      ...decision,
      status: "failed",
      reason: message === "" ? `its flow run is ${name}` : `${name}: ${oneLine(message)}`,
    };
  if (!hasCompleted || isFinished(type)) return decision;
  const waits = type === "scheduled" || type === "paused";
  return {
    ...decision,
    status: waits ? "pending" : status,
    reason: `${COMPLETED}, and its flow run is ${name}`,
  };
}

function decideAbout(
  jobs: readonly ObservedJob[],
  { observed, status: run }: DecidedRun,
  now: Date,
): Decision {
  const uids = new Set(jobs.map(({ job }) => job.metadata.uid));
  const isOurs = ({ metadata }: Job): boolean => uids.has(metadata.uid);
  const firstObserved = firstObservedOf(observed);
  return byState(decide({ observed, isOurs, run, policy: DEFAULT_POLICY, now, firstObserved }), run);
}

/** The decision about each Job of the run by itself; of the run's other Jobs only a live one matters. */
export function decideJobs(run: InventoryRun, now: Date): readonly DecidedJob[] {
  const { jobs } = run.observed;
  const live = jobs.filter((job) => isLive(jobPhase(job), now)).slice(-2);
  return jobs.map((job) => {
    if (run.podsForbidden === true) return { job, decision: decideWithoutPods(job.job, run.status) };
    const other = live.findLast((each) => each !== job);
    const observed = { ...run.observed, jobs: other === undefined ? [job] : [job, other] };
    return { job, decision: decideAbout([job], { ...run, observed }, now) };
  });
}

/** Without permission to list pods: by the state in Prefect and the Job's own status. */
function decideWithoutPods({ status: job, spec }: Job, run: RunStatus): Decision {
  const nothing = { logs: [], deletions: [], deleteDask: false, heartbeat: false, firstObserved: new Map() };
  const decided = (status: string, reason: string): Decision => byState({ status, reason, ...nothing }, run);
  const { kind, text } = lifecycleOf(run);
  if (run.kind === "missing") return decided("orphaned", text);
  if (isCancelled(run)) return decided("cancelled", text);
  if (hasCondition(job, "Complete")) return decided("finished", COMPLETED);
  const failure = conditionOf(job, "Failed");
  if (failure !== undefined) return decided("failed", failure.message ?? "its Job failed");
  if (kind === "over") return decided("finished", text);
  if (spec.suspend === true) return decided("active", "suspended");
  const isRunning = (job.ready ?? job.active ?? 0) > 0;
  return isRunning
    ? decided("active", "its Job has a running pod (no permission to list pods)")
    : decided("pending", "its Job has no ready pod (no permission to list pods)");
}

/** The keys of job/decide/, each with the time from which its grace period counts. */
function firstObservedOf(observed: ObservedRun): ReadonlyMap<string, Date> {
  return new Map(
    observed.jobs.flatMap((job) => {
      const phase = jobPhase(job);
      const since = sinceOf(job, phase);
      const keys = ["kept", "sidecarRunning", "exited", "orphaned", "cancelled"];
      const { reason, patience = "passing" } = phase.kind === "waiting" ? phase.problem : {};
      return [...keys, reason, patience].map((key) => [`${job.job.metadata.uid}/${key}`, since] as const);
    }),
  );
}

function sinceOf({ job, pods }: ObservedJob, phase: JobPhase): Date {
  const ended = "endedAt" in phase ? phase.endedAt : undefined;
  const newest = pods.at(-1);
  return ended ?? new Date((newest ?? job).metadata.creationTimestamp);
}
