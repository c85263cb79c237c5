// Acts on a decision: first the run's log, then its state, at last the deletions; each step only when Prefect or Kubernetes
// has accepted the one before.

import { withRetry } from "../../base/backoff.ts";
import type { Deletion, Decision, LogTail, RunLogEntry, Transition } from "../../job/decide/types.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { isActive, isDone } from "../../orchestrator/flow-run.ts";
import type { RunState } from "../../orchestrator/flow-run.ts";
import type { RunLog } from "../../orchestrator/run-log.ts";
import type { TransitionResult } from "../../orchestrator/run-reporter.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import type { RunStates } from "../run-states.ts";
import type { DaskDeleter, DeletionTerms } from "./dask.ts";
import type { ReportedLog } from "./reported-log.ts";

/** A decision that is due. */
export interface Action {
  readonly flowRunId: string;
  readonly decision: Decision;
  readonly namespace: string;
  /** Only this process can have written to the run's log. */
  readonly isOnlyWriter: boolean;
  /** The version of the run's state that was judged. */
  readonly version: number | undefined;
}

type Deps = Pick<AgentDeps, "kube" | "runs" | "clock" | "log" | "metrics"> & {
  readonly reported: ReportedLog;
  readonly states: Pick<RunStates, "refresh">;
  readonly view: ClusterView;
  readonly dask: Pick<DaskDeleter, "delete" | "deleteAndWait">;
};

const TAIL_LINES = 20;
const TAIL_BYTES = 16_000;
const TAIL_TRIES = { attempts: 3, shape: { firstMs: 100, maxMs: 500 } };
/** When to try a deletion again that we have no right to. */
const FORBIDDEN_MS = 600_000;
/** When to look again at what is ending, and at a state that has just changed. */
const ENDING_MS = 1_000;
const CHANGED_MS = 500;

/** `unwanted`: the run's state no longer calls for it; `changed`: the state is not the one that was judged. */
type Settled = "settled" | "unwanted" | "changed";

/**
 * Reports, settles, deletes. Throws when a step was not accepted; then nothing that follows is done. Returns after how many
 * milliseconds to try again what was forbidden, or must wait for something to end.
 */
export async function execute(deps: Deps, action: Action): Promise<number | undefined> {
  const { flowRunId, decision } = action;
  const written = await report(deps, action);
  const { transition } = decision;
  const isFailed = transition?.kind === "fail";
  // Failed waits for nothing. Cancelled says that nothing runs; a rescheduled run makes a cluster of its own.
  if (!isFailed && !(await isDaskGone(deps, action))) return ENDING_MS;
  const isReportedNow = written.some(({ level }) => level === "ERROR");
  if (transition !== undefined && (!needsReport(transition) || isReportedNow)) {
    if ((await settle(deps, action, transition)) === "changed") return CHANGED_MS;
  }
  if (isFailed && decision.deleteDask) await deps.dask.delete(flowRunId, termsOf(decision));
  const waits: number[] = [];
  for (const deletion of decision.deletions) {
    const waitMs = await deleteJob(deps, flowRunId, deletion);
    if (waitMs !== undefined) waits.push(waitMs);
  }
  return waits[0];
}

/** Deletes the run's Dask clusters, if they are to be deleted; only Cancelled has to wait for their end. */
async function isDaskGone({ dask }: Deps, { flowRunId, decision }: Action): Promise<boolean> {
  if (!decision.deleteDask) return true;
  if (decision.transition?.kind === "cancelled") return dask.deleteAndWait(flowRunId, termsOf(decision));
  await dask.delete(flowRunId, termsOf(decision));
  return true;
}

function termsOf({ transition, deletions }: Decision): DeletionTerms {
  const isRescheduled = transition?.kind === "reschedule";
  return {
    isStillDue: (run) => (isRescheduled ? run.kind === "known" && isActive(run.state.type) : isDone(run)),
    deletedJobs: new Set(deletions.map(({ job }) => job.metadata.uid)),
  };
}

function needsReport(transition: Transition): boolean {
  return transition.kind === "fail" && transition.onlyWithReport;
}

/** Returns what was written now: what nobody had written before. */
async function report(deps: Deps, action: Action): Promise<readonly RunLogEntry[]> {
  const { flowRunId, decision, namespace, isOnlyWriter } = action;
  const toLine = async (entry: RunLogEntry): Promise<RunLog> => {
    const { name, level, message, timestamp, tail } = entry;
    const lines = tail === undefined ? "" : await lastLines(deps, namespace, tail);
    return { flowRunId, name, level, message: message + lines, timestamp };
  };
  const written = await deps.reported.write({ flowRunId, entries: decision.logs, isOnlyWriter }, toLine);
  if (written.length > 0) deps.metrics.count("runLogs", undefined, written.length);
  return written;
}

/** The end of the container's log; a post-mortem without it is better than none. */
async function lastLines(deps: Deps, namespace: string, tail: LogTail): Promise<string> {
  const { pod, container, previous } = tail;
  const query = { container, previous, tailLines: TAIL_LINES, limitBytes: TAIL_BYTES };
  const read = (): Promise<string | undefined> => deps.kube.podLog({ namespace, name: pod }, query);
  try {
    const text = ((await withRetry(read, { ...TAIL_TRIES, clock: deps.clock })) ?? "").trimEnd();
    if (text === "") return "";
    const who = container === undefined ? pod : `container '${container}'`;
    const lines = text.split("\n").map((line) => `\t${line}`);
    return `\nLast lines of ${who}:\n${lines.join("\n")}`;
  } catch (error) {
    if (error instanceof KubeError) return "";
    throw error;
  }
}

/**
 * The state is read once more: writing the log took its time, and what is final or cancelled by now stays so. Nor is it ours
 * any more if it changed at all since it was judged: another agent may have settled it, and a new Job have begun.
 */
async function settle(deps: Deps, action: Action, transition: Transition): Promise<Settled> {
  const { flowRunId } = action;
  const run = await deps.states.refresh(flowRunId);
  if (run.kind !== "known") return "unwanted";
  if (action.version !== undefined && run.state.version !== action.version) return "changed";
  if (!isWanted(transition, run.state)) return "unwanted";
  const { version } = run.state;
  if ((await setState(deps, flowRunId, { transition, version })) === "moved") return "changed";
  deps.metrics.count("decisions", transition.kind);
  deps.log.info(DONE[transition.kind], { flowRun: flowRunId, message: transition.message });
  return "settled";
}

async function setState(
  { runs, reported }: Deps,
  flowRunId: string,
  to: { readonly transition: Transition; readonly version: number | undefined },
): Promise<TransitionResult> {
  const { transition, version } = to;
  const { message } = transition;
  if (transition.kind !== "reschedule") {
    const type = transition.kind === "fail" ? "failed" : "cancelled";
    return runs.transition(flowRunId, { type, message, version });
  }
  const { job } = transition;
  const note = async (text: string): Promise<void> => {
    const key = `After Job ${job}: `;
    const line = { name: "k8s-infra", level: "WARNING", message: key + text } as const;
    const entries: readonly RunLogEntry[] = [{ ...line, key, job }];
    await reported.write({ flowRunId, entries, isOnlyWriter: false }, () =>
      Promise.resolve({ flowRunId, ...line }),
    );
  };
  return runs.restart(flowRunId, { message, version, note });
}

function isWanted({ kind }: Transition, { type }: RunState): boolean {
  return kind === "cancelled" ? type === "cancelling" : isActive(type);
}

const DONE: Readonly<Record<Transition["kind"], string>> = {
  fail: "Flow run failed in Kubernetes",
  cancelled: "Flow run cancelled",
  reschedule: "Flow run rescheduled after a disruption",
};

async function deleteJob(
  deps: Deps,
  flowRunId: string,
  { job, reason, status }: Deletion,
): Promise<number | undefined> {
  const { uid, name, namespace } = job.metadata;
  deps.view.expectGone(uid);
  try {
    const outcome = await deps.kube.delete("jobs", { namespace, name }, { uid, propagation: "Foreground" });
    if (outcome === "changed") deps.view.unexpectGone(uid);
    if (outcome !== "deleted") return undefined;
    deps.metrics.count("deletions", status);
    deps.log.info("Job deleted", { flowRun: flowRunId, job: name, reason });
  } catch (error) {
    deps.view.unexpectGone(uid);
    // The agent said at its start that this right is missing.
    if (error instanceof KubeError && error.status === 403) return FORBIDDEN_MS;
    throw error;
  }
  return undefined;
}
