// The decision about a flow run, out of those about its Jobs: what to write to its log, which state to set, which Jobs to
// delete. Pure: the same in the agent, whose supervise/executor.ts acts on it, in `inspect` and in tests.

import { lastSeenAt, type Pod } from "../../kube/client/objects.ts";
import { isCancelled, isFailed, isFinished, type RunStatus } from "../../orchestrator/flow-run.ts";
import { disruptionProblem } from "../observe/disruption.ts";
import { flowStatus } from "../observe/flow-container.ts";
import { hasOwnRetries, restartsContainer } from "../observe/kubernetes-retries.ts";
import { createdMs, eventsOf, isDeleted, isKeptWithPods, type ObservedJob } from "../observe/observed.ts";
import { isLive, isJobFinished, jobPhase, type JobPhase } from "../observe/phase.ts";
import { flowFailure, hasEnded, hasFailed, podTerminationProblem } from "../observe/pod-termination.ts";
import { decideByPhase } from "./by-phase.ts";
import { logEntry, type JobContext } from "./job-context.ts";
import { decideReplaced, ownerOfState } from "./replaced.ts";
import { cancelTransition, decideByRunState } from "./run-ended.ts";
import type { DecideInput, Decision, Deletion, JobDecision, RunLogEntry, Transition } from "./types.ts";

interface DecidedJob {
  readonly observed: ObservedJob;
  readonly phase: JobPhase;
  readonly decision: JobDecision;
}

/** Phases of a Job whose flow has not ended well. */
const LOST = new Set<JobPhase["kind"]>(["failed", "disrupted", "deleted"]);

export function decide(input: DecideInput): Decision {
  const { run, isOurs = () => true } = input;
  const jobs = input.observed.jobs.map((observed) => ({ observed, phase: jobPhase(observed) }));
  const live = jobs.filter(({ phase }) => isLive(phase, input.now)).length;
  const newestMs = Math.max(...jobs.map(({ observed }) => createdMs(observed.job)));
  const ours = jobs.filter(({ observed }) => isOurs(observed.job));
  const decided: DecidedJob[] = ours.map(({ observed, phase }) => {
    const hasOtherLiveJob = live > (isLive(phase, input.now) ? 1 : 0);
    const stateBelongsTo = createdMs(observed.job) < newestMs ? "newer" : ownerOfState(observed, input);
    const context: JobContext = { observed, phase, input, hasOtherLiveJob, stateBelongsTo };
    const decision = decideByRunState(context) ?? decideReplaced(context) ?? decideByPhase(context);
    const logs = [...eventEntries(observed), ...retryEntries(context), ...(decision.logs ?? [])];
    return { observed, phase, decision: { ...decision, logs } };
  });
  const [newest] = decided.toSorted((a, b) => createdMs(b.observed.job) - createdMs(a.observed.job));
  const first = decided.find(({ decision }) => decision.transition !== undefined) ?? newest;
  const transition = first?.decision.transition ?? cancelTransition(jobs, input);
  const all = decided.flatMap((each) => deletionOf(each) ?? []);
  const due = all.filter(({ inMs }) => inMs <= 0);
  const laterMs = all.map(({ inMs }) => inMs).filter((ms) => ms > 0);
  const nextMs = Math.min(...laterMs, ...decided.map(({ decision }) => decision.requeueAfterMs ?? Infinity));
  const deletedPhases = due.map(({ phase }) => phase);
  const facts = decided.flatMap(({ decision }) => decision.firstObserved ?? []);
  return {
    status: first?.decision.status ?? "finished",
    reason: first?.decision.reason ?? "it has no Jobs in the cluster",
    // Prefect rejects log lines of a run that it does not know.
    logs: run.kind === "known" ? decided.flatMap(({ decision }) => decision.logs ?? []) : [],
    transition,
    deletions: due.map(({ deletion }) => deletion),
    deleteDask:
      decided.some(({ decision }) => decision.deleteDask === true) ||
      mustDeleteDask(run, transition, deletedPhases) ||
      hasLostProcess(run, decided),
    heartbeat: decided.some(({ decision }) => decision.heartbeat === true),
    requeueAfterMs: Number.isFinite(nextMs) ? nextMs : undefined,
    firstObserved: new Map(facts.map(({ key, since }) => [key, since])),
  };
}

/**
 * Whether nobody needs the run's Dask clusters any more and nobody else deletes them: the run lost its pod, it is cancelled
 * or deleted, or it is over and a Job that did not succeed is deleted. A flow that finishes by itself closes its cluster.
 */
export function mustDeleteDask(
  run: RunStatus,
  transition: Transition | undefined,
  deleted: readonly JobPhase[],
): boolean {
  if (transition !== undefined) return true;
  if (deleted.length === 0 || run.kind === "unknown") return false;
  if (run.kind === "missing" || isCancelled(run)) return true;
  return isFinished(run.state.type) && deleted.some(({ kind }) => kind !== "succeeded");
}

/** Whether the run has failed with its process: it may have been reported without its Dask clusters. */
function hasLostProcess(run: RunStatus, decided: readonly DecidedJob[]): boolean {
  return isFailed(run.state?.type) && decided.some(({ phase }) => LOST.has(phase.kind));
}

/** The deletion of the Job, now or later, unless it is kept or being deleted already. */
function deletionOf({ observed, phase, decision }: DecidedJob) {
  const { status, reason, deleteInMs: inMs } = decision;
  const { job } = observed;
  if (inMs === undefined || isDeleted(observed) || isKeptWithPods(observed)) return undefined;
  // A Job can be seen to end before its pods are.
  const isActive = !isJobFinished(job) || observed.pods.some((pod) => !hasEnded(pod));
  const deletion: Deletion = { job, reason, status, isActive };
  return { inMs, phase, deletion };
}

/** The events of pods that have not started, in the format of Prefect's own agent. */
function eventEntries(observed: ObservedJob): RunLogEntry[] {
  const pending = observed.pods.filter(({ status }) => status.phase === "Pending");
  return pending.flatMap(({ metadata: { uid, name } }) =>
    eventsOf(observed, uid).map((event) => {
      const { reason = "None", message = "" } = event;
      const text = `Event: '${reason}' on pod '${name}'\n\tMessage: ${message}`;
      return { ...logEntry("DEBUG", text), timestamp: lastSeenAt(event) };
    }),
  );
}

/** A line for each end of a flow that Kubernetes starts again; the last end of a failed Job is told by its post-mortem. */
function retryEntries(context: JobContext): readonly RunLogEntry[] {
  const { phase, observed } = context;
  if (LOST.has(phase.kind)) return [];
  return [...observed.pods, ...observed.deletedPods].flatMap((pod) => retryEntry(context, pod) ?? []);
}

function retryEntry(context: JobContext, pod: Pod): RunLogEntry | undefined {
  const { job } = context.observed;
  if (!hasOwnRetries(job, pod)) return undefined;
  const problem = disruptionProblem(pod) ?? podTerminationProblem(pod);
  if (problem === undefined) return undefined;
  if (hasFailed(pod, job)) {
    const key = `Kubernetes starts another pod of Job ${job.metadata.name} after pod ${pod.metadata.name}: `;
    return logEntry("WARNING", key + problem.message, key);
  }
  if (!restartsContainer(job, pod) || flowFailure(pod) === undefined) return undefined;
  const { restartCount = 0, state } = flowStatus(pod) ?? {};
  const ends = restartCount + (state?.running === undefined ? 1 : 0);
  const key = `Kubernetes restarts the flow in pod ${pod.metadata.name} after attempt ${ends}: `;
  return logEntry("WARNING", key + problem.message, key);
}
