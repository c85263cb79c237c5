// Acts on a decision: first writes the run's log, then sets its state, then deletes Jobs; each step only after the one before
// has succeeded.

import { textOf } from "../../base/errors.ts";
import type { Requeue } from "../../base/work-queue.ts";
import type { Deletion, Decision, RunLogEntry, Transition } from "../../job/decide/types.ts";
import { isJobFinished } from "../../job/observe/phase.ts";
import type { ObservedJob, ObservedRun } from "../../job/observe/observed.ts";
import type { KubeApi } from "../../kube/client/api.ts";
import { isForbidden } from "../../kube/client/errors.ts";
import { isActive, isDone, type RunStatus } from "../../orchestrator/flow-run.ts";
import type { TransitionResult } from "../../orchestrator/run-reporter.ts";
import { isRefusedForGood, LOGGER, REFUSED } from "../run-log.ts";
import type { SharedState } from "../shared-state.ts";
import type { DaskDeleter, DeletionConditions } from "./dask.ts";
import type { EndedRuns } from "./ended-runs.ts";
import type { Report, ReportedLog } from "./reported-log.ts";

interface Action extends Omit<Report, "entries" | "mayWait"> {
  readonly decision: Decision;
  /** Of the state that was judged. */
  readonly version: number | undefined;
}

/** What the agent's loops share, and what only acts on decisions need. */
export interface Deps extends SharedState {
  readonly reported: ReportedLog;
  readonly dask: DaskDeleter;
  readonly ended: EndedRuns;
}

/** When to retry a deletion without permission. */
const FORBIDDEN_RETRY_MS = 600_000;
/** How long to wait with another restart after a disruption: as Kubernetes with the pods of a Job. */
const RESTART_DELAY = { firstMs: 10_000, maxMs: 360_000 };
/** When to check again for terminating Dask pods. */
const TERMINATING_RETRY_MS = 1_000;

/**
 * Whether the cluster differs from what a decision is based on; reads only if it ends a run or deletes an unfinished Job. A
 * watch can lag behind, and a controller that trusted its cache has killed healthy Jobs elsewhere (buildkite/agent-stack-k8s#926).
 */
export async function isCacheStale(
  { kube, view: { nodes } }: SharedState,
  { jobs }: ObservedRun,
  decision: Decision,
): Promise<boolean> {
  const { transition, deletions } = decision;
  const endsRun = transition?.kind === "fail" || transition?.kind === "reschedule";
  const active = new Set(deletions.filter(({ isActive }) => isActive).map(({ job }) => job.metadata.uid));
  if (!endsRun && active.size === 0) return false;
  const unfinished = jobs.filter(({ job }) => !isJobFinished(job) || active.has(job.metadata.uid));
  const changes = await Promise.all(unfinished.map((observed) => hasChanged(kube, observed)));
  if (changes.includes(true)) return true;
  const judged = new Map(unfinished.flatMap((observed) => [...unreachableNodes(observed)]));
  for (const [name, since] of judged) {
    await nodes.ask(name);
    // Somebody else may have asked since the decision.
    if (nodes.since.get(name)?.getTime() !== since.getTime()) return true;
  }
  return false;
}

/** The nodes of the Job's pods that did not answer when it was observed, and since when. */
function unreachableNodes({ pods, unreachable = new Map() }: ObservedJob): ReadonlyMap<string, Date> {
  const names = new Set(pods.map(({ spec }) => spec.nodeName));
  return new Map([...unreachable].filter(([name]) => names.has(name)));
}

/**
 * Whether the run's state is still the one that was judged, where a Job that may work is to be deleted: the cluster was read
 * since, which may have taken long. A transition reads the state itself.
 */
export async function isStateCurrent(
  { states }: SharedState,
  flowRunId: string,
  { run, decision }: { readonly run: RunStatus; readonly decision: Decision },
): Promise<boolean> {
  if (decision.transition !== undefined || !decision.deletions.some((each) => each.isActive)) return true;
  const now = await states.refresh(flowRunId);
  return now.kind === run.kind && now.state?.version === run.state?.version;
}

async function hasChanged(kube: KubeApi, { job, pods, gone }: ObservedJob): Promise<boolean> {
  const { uid, name, namespace, resourceVersion } = job.metadata;
  const found = await kube.get("jobs", { namespace, name });
  if (gone ? found?.metadata.uid === uid : found?.metadata.resourceVersion !== resourceVersion) return true;
  const current = await Promise.all(
    pods.map((pod) => kube.get("pods", { namespace, name: pod.metadata.name })),
  );
  return pods.some((pod, at) => current[at]?.metadata.resourceVersion !== pod.metadata.resourceVersion);
}

/**
 * Throws if a step fails; the steps after it are then not executed. Returns when to retry what was forbidden or must wait for
 * pods to terminate; `again`: the run's state or a Job has changed, which is to be decided anew.
 */
export async function execute(deps: Deps, action: Action): Promise<Requeue> {
  const { flowRunId, decision } = action;
  await report(deps, action);
  const { transition, deletions } = decision;
  // Of a run that failed earlier it is asked once: the process that reported it may have ended before.
  const isNew = transition !== undefined || deletions.length > 0 || !deps.dask.isDone(flowRunId);
  const deleteDask = decision.deleteDask && isNew;
  const conditions = deletionConditions(decision);
  const isFailed = transition?.kind === "fail";
  // Failed does not wait. Cancelled means that nothing runs any more; a rescheduled run creates a new cluster, and old workers
  // must not work on its tasks.
  if (deleteDask && (transition?.kind === "cancelled" || transition?.kind === "reschedule")) {
    if (!(await deps.dask.deleteAndWait(flowRunId, conditions))) return TERMINATING_RETRY_MS;
  } else if (deleteDask && !isFailed) await deps.dask.delete(flowRunId, conditions);
  if (transition !== undefined && !(await applyTransition(deps, action, transition))) return "again";
  if (deleteDask && isFailed) await deps.dask.delete(flowRunId, conditions);
  const requeues: Requeue[] = [];
  for (const deletion of deletions)
    requeues.push(await deleteJob(deps, deletion, { flowRunId, isTold: transition !== undefined }));
  const isStopped = transition?.kind !== "reschedule" && deletions.some(({ isActive }) => isActive);
  if (deleteDask && isStopped) deps.dask.expectLateWorkers(flowRunId, conditions);
  return requeues.find((requeue) => requeue !== undefined);
}

function deletionConditions({ transition, deletions }: Decision): DeletionConditions {
  const isRescheduled = transition?.kind === "reschedule";
  return {
    isStillNeeded: (run) => (isRescheduled ? isActive(run.state?.type) : isDone(run)),
    deletedJobs: new Set(deletions.map(({ job }) => job.metadata.uid)),
  };
}

/** Writes the entries that nobody has written. The state does not wait for lines that Prefect refuses. */
async function report(deps: Deps, action: Action): Promise<void> {
  const { flowRunId, decision } = action;
  const mayWait = decision.transition === undefined && decision.deletions.length === 0;
  const write = (entries: readonly RunLogEntry[]): Promise<void> =>
    deps.reported.write({ ...action, entries, mayWait });
  try {
    await write(decision.logs);
  } catch (error) {
    if (!isRefusedForGood(error)) throw error;
    deps.log.warn(REFUSED, { flowRun: flowRunId, error: textOf(error) });
    await write(decision.logs.map((entry) => ({ ...entry, tail: undefined }))).catch((again: unknown) => {
      if (!isRefusedForGood(again)) throw again;
    });
  }
}

/** Sets the run's state; false: it has changed since the decision, since another agent has set it, or a new Job started. */
async function applyTransition(deps: Deps, action: Action, transition: Transition): Promise<boolean> {
  const { flowRunId } = action;
  const run = await deps.states.refresh(flowRunId);
  if (run.kind !== "known") return true;
  const { version, type } = run.state;
  if (action.version !== undefined && version !== action.version) return false;
  const { kind, message } = transition;
  if (kind === "cancelled" ? type !== "cancelling" : !isActive(type)) return true;
  if ((await setState(deps, { ...action, version }, transition)) === "moved") return false;
  deps.metrics.count("decisions", kind);
  if (kind !== "reschedule") deps.ended.ended(flowRunId, kind === "fail" ? "Failed" : "Cancelled", message);
  else deps.log.info("Flow run rescheduled after a disruption", { flowRun: flowRunId, message });
  return true;
}

async function setState(deps: Deps, action: Action, transition: Transition): Promise<TransitionResult> {
  const { runs, reported } = deps;
  const { flowRunId, version } = action;
  const { message } = transition;
  if (transition.kind !== "reschedule") {
    const type = transition.kind === "fail" ? "failed" : "cancelled";
    return runs.transition(flowRunId, { type, message, version });
  }
  const { job, minDelayMs } = transition;
  const writeLog = async (text: string): Promise<void> => {
    const key = `After Job ${job}: `;
    const entries = [{ level: "WARNING", message: key + text, key }] as const;
    await reported.write({ flowRunId, entries, isOnlyWriter: () => false });
  };
  const failures = await runs.messages(flowRunId, { containing: ["Job "], loggers: [LOGGER] });
  const earlier = failures.filter((line) => /^Job \S+: /.test(line) && !line.startsWith(`Job ${job}: `));
  const delayMs = Math.max(minDelayMs, restartDelayMs(earlier.length));
  return runs.restart(flowRunId, { message, version, writeLog, delayMs });
}

/** The first restart is at once. A pod that no node takes would else be made again and again. */
function restartDelayMs(earlier: number): number {
  return earlier === 0 ? 0 : Math.min(RESTART_DELAY.firstMs * 2 ** (earlier - 1), RESTART_DELAY.maxMs);
}

/** `isTold`: the run's new state tells of the end of its Job, so that it must go, whatever becomes of it meanwhile. */
async function deleteJob(
  deps: Deps,
  deletion: Deletion,
  { flowRunId, isTold }: { readonly flowRunId: string; readonly isTold: boolean },
): Promise<Requeue> {
  const { job, reason, status } = deletion;
  const { uid, name, namespace, resourceVersion } = job.metadata;
  deps.view.expectDeletion(uid);
  try {
    // Else what has changed meanwhile is decided again: it may have failed, and that is not told yet.
    const exact = isTold && !isJobFinished(job) ? { uid } : { uid, resourceVersion };
    const options = { ...exact, propagation: "Foreground" } as const;
    const outcome = await deps.kube.delete("jobs", { namespace, name }, options);
    if (outcome === "changed") {
      deps.view.cancelExpectedDeletion(uid);
      return "again";
    }
    if (outcome !== "deleted") return undefined;
    deps.metrics.count("deletions", status);
    deps.log.info("Job deleted", { flowRun: flowRunId, job: name, reason });
  } catch (error) {
    deps.view.cancelExpectedDeletion(uid);
    // The missing permission was logged when the agent started.
    if (isForbidden(error)) return FORBIDDEN_RETRY_MS;
    throw error;
  }
  return undefined;
}
