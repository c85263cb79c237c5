// supervise: a decision becomes actions. Tell the story first, settle the state second, remove the evidence last:
// each step only when Prefect or Kubernetes accepted the one before.

import type { AgentDeps } from "../deps.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { LogBatch } from "../log-batch.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { RunLog } from "../../prefect1/api.ts";
import { PrefectError } from "../../prefect1/errors.ts";
import { isAlive, newState } from "../../prefect1/states.ts";
import { withRetry } from "../../base/backoff.ts";
import { isDone } from "../../job/decide/dask.ts";
import type { Deletion, RunView, RunLogEntry, Transition, Tail, Decision } from "../../job/decide/decide.ts";
import type { Clearance, DaskClearer } from "./dask.ts";
import { reschedule } from "../../prefect1/restart/restart.ts";
import type { RunStates } from "./run-states.ts";
import type { Said } from "./reported-log.ts";
import { reportOnce } from "./report.ts";

export interface Action {
  readonly flowRunId: string;
  readonly decision: Decision;
  readonly namespace: string;
  /** Nobody but this process can have spoken of the run. */
  readonly alone: boolean;
  /** The version of the run's state that was judged. */
  readonly version: number | undefined;
}

type Deps = Pick<AgentDeps, "kube" | "prefect" | "clock" | "log" | "meter"> & {
  readonly logs: LogBatch;
  readonly said: Said;
  readonly states: Pick<RunStates, "fresh">;
  readonly view: ClusterView;
  readonly dask: Pick<DaskClearer, "delete" | "deleteAndWait">;
};

const TAIL_LINES = 20;
const TAIL_BYTES = 16_000;
const TAIL_TRIES = { attempts: 3, shape: { firstMs: 100, maxMs: 500 } };
/** When to try a deletion again that we have no right to. */
const FORBIDDEN_MS = 600_000;
/** When to look again for what is ending, and at a state that has just changed. */
const ENDING_MS = 1_000;
const CHANGED_MS = 500;

type Settled = "settled" | "unwanted" | "changed";

/**
 * Says, settles, removes. Throws when a step was not accepted; what follows is then not done. Returns after how many
 * milliseconds to try again what was forbidden, or has to wait for something to end.
 */
export async function execute(deps: Deps, action: Action): Promise<number | undefined> {
  const { flowRunId, decision } = action;
  const told = await say(deps, action);
  const { transition } = decision;
  const isFailed = transition?.kind === "fail";
  // Failed is news, and waits for nothing. Cancelled says that nothing runs; a rescheduled run makes a cluster of its own.
  if (!isFailed && !(await isCleared(deps, action))) return ENDING_MS;
  if (transition !== undefined && (!isForStory(transition) || told.some(({ level }) => level === "ERROR"))) {
    if ((await settle(deps, action, transition)) === "changed") return CHANGED_MS;
  }
  if (isFailed && decision.deleteDask) await deps.dask.delete(flowRunId, clearanceOf(decision));
  const outcomes: (number | undefined)[] = [];
  for (const deletion of decision.deletions) outcomes.push(await remove(deps, flowRunId, deletion));
  return outcomes.find((outcome) => outcome !== undefined);
}

/** Ends the run's Dask clusters, if it is time; only Cancelled has to wait for their end. */
async function isCleared({ dask }: Deps, { flowRunId, decision }: Action): Promise<boolean> {
  if (!decision.deleteDask) return true;
  if (decision.transition?.kind === "cancelled") return dask.deleteAndWait(flowRunId, clearanceOf(decision));
  await dask.delete(flowRunId, clearanceOf(decision));
  return true;
}

function clearanceOf({ transition, deletions }: Decision): Clearance {
  const isRescheduled = transition?.kind === "reschedule";
  return {
    isStillDue: (run) => (isRescheduled ? run.kind === "known" && isAlive(run.state.type) : isDone(run)),
    deletedJobs: new Set(deletions.map(({ job }) => job.metadata.uid)),
  };
}

function isForStory(transition: Transition): boolean {
  return transition.kind === "fail" && transition.onlyWithReport;
}

/** Returns what was told now: what nobody had told before. */
async function say(
  deps: Deps,
  { flowRunId, decision, namespace, alone }: Action,
): Promise<readonly RunLogEntry[]> {
  const what = { flowRunId, entries: decision.logs, alone };
  const told = await reportOnce(deps, what, (entry) => asLog(deps, { flowRunId, namespace, entry }));
  if (told.length > 0) deps.meter.count("said", undefined, told.length);
  return told;
}

async function asLog(
  deps: Deps,
  what: { readonly flowRunId: string; readonly namespace: string; readonly entry: RunLogEntry },
): Promise<RunLog> {
  const { name, level, message, timestamp, tail: tailOf } = what.entry;
  const tail = tailOf === undefined ? "" : await lastLines(deps, what.namespace, tailOf);
  return { flowRunId: what.flowRunId, name, level, message: message + tail, timestamp };
}

/** The end of the container's log; a story without it is better than none. */
async function lastLines(deps: Deps, namespace: string, { pod, container, previous }: Tail): Promise<string> {
  const query = { container, previous, tailLines: TAIL_LINES, limitBytes: TAIL_BYTES };
  const read = (): Promise<string | undefined> => deps.kube.podLog({ namespace, name: pod }, query);
  try {
    const text = await withRetry(read, { ...TAIL_TRIES, clock: deps.clock });
    const lines = (text ?? "").trimEnd();
    if (lines === "") return "";
    const who = container === undefined ? pod : `container '${container}'`;
    return `\nLast lines of ${who}:\n${lines
      .split("\n")
      .map((line) => `\t${line}`)
      .join("\n")}`;
  } catch (error) {
    if (error instanceof KubeError) return "";
    throw error;
  }
}

/**
 * The state is asked once more: telling took its time, and what is final or cancelled by now stays so. Nor is it ours any
 * more if it changed at all since it was judged: another agent may have settled it, and a new Job have begun.
 */
async function settle(deps: Deps, action: Action, transition: Transition): Promise<Settled> {
  const { flowRunId } = action;
  const { message, kind } = transition;
  const run = await deps.states.fresh(flowRunId);
  if (run.kind === "known" && action.version !== undefined && run.version !== action.version)
    return "changed";
  if (run.kind !== "known" || !isWanted(transition, run)) return "unwanted";
  const { version } = run;
  try {
    if (transition.kind === "reschedule")
      await reschedule(deps, { flowRunId, message, job: transition.job, version });
    else
      await deps.prefect.setState({ flowRunId, state: newState(STATES[transition.kind], message), version });
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "locked") return "changed";
    throw error;
  }
  deps.meter.count("settled", kind);
  deps.log.info(SETTLED[kind], { flowRun: flowRunId, message });
  return "settled";
}

function isWanted({ kind }: Transition, run: RunView & { readonly kind: "known" }): boolean {
  return kind === "cancelled" ? run.state.type === "Cancelling" : isAlive(run.state.type);
}

const STATES = { fail: "Failed", cancelled: "Cancelled" } as const;

const SETTLED: Readonly<Record<Transition["kind"], string>> = {
  fail: "Flow run failed in Kubernetes",
  cancelled: "Flow run cancelled",
  reschedule: "Flow run rescheduled after a disruption",
};

async function remove(
  deps: Deps,
  flowRunId: string,
  { job, reason: why, status: word }: Deletion,
): Promise<number | undefined> {
  const { uid, name, namespace } = job.metadata;
  deps.view.expectGone(uid);
  try {
    const outcome = await deps.kube.delete("jobs", { namespace, name }, { uid, propagation: "Foreground" });
    if (outcome === "changed") deps.view.unexpectGone(uid);
    if (outcome !== "deleted") return undefined;
    deps.meter.count("removed", word);
    deps.log.info("Job deleted", { flowRun: flowRunId, job: name, why });
  } catch (error) {
    deps.view.unexpectGone(uid);
    // The agent said at its start that this right is missing.
    if (error instanceof KubeError && error.status === 403) return FORBIDDEN_MS;
    throw error;
  }
  return undefined;
}
