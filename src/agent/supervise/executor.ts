// supervise: a verdict becomes deeds. Tell the story first, settle the state second, remove the evidence last:
// each step only when Prefect or Kubernetes accepted the one before.

import type { AgentDeps } from "../deps.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { LogBatch } from "../log-batch.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { RunLog } from "../../prefect1/api.ts";
import { PrefectError } from "../../prefect1/errors.ts";
import { isAlive, newState } from "../../prefect1/states.ts";
import { retry } from "../../base/backoff.ts";
import { isDone } from "../../job/decide/dask.ts";
import type { Removal, RunView, Saying, Settlement, Tail, Verdict } from "../../job/decide/decide.ts";
import type { Clearance, DaskClearer } from "./dask.ts";
import { reschedule } from "../../prefect1/restart/restart.ts";
import type { RunStates } from "./run-states.ts";
import type { Said } from "./reported-log.ts";
import { tell } from "./report.ts";

export interface Deed {
  readonly flowRunId: string;
  readonly verdict: Verdict;
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
  readonly dask: Pick<DaskClearer, "clear" | "isCleared">;
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
export async function carryOut(deps: Deps, deed: Deed): Promise<number | undefined> {
  const { flowRunId, verdict } = deed;
  const told = await say(deps, deed);
  const { settle: settlement } = verdict;
  const isFailed = settlement?.kind === "fail";
  // Failed is news, and waits for nothing. Cancelled says that nothing runs; a rescheduled run makes a cluster of its own.
  if (!isFailed && !(await isCleared(deps, deed))) return ENDING_MS;
  if (settlement !== undefined && (!isForStory(settlement) || told.some(({ level }) => level === "ERROR"))) {
    if ((await settle(deps, deed, settlement)) === "changed") return CHANGED_MS;
  }
  if (isFailed && verdict.clear) await deps.dask.clear(flowRunId, clearanceOf(verdict));
  const outcomes: (number | undefined)[] = [];
  for (const removal of verdict.remove) outcomes.push(await remove(deps, flowRunId, removal));
  return outcomes.find((outcome) => outcome !== undefined);
}

/** Ends the run's Dask clusters, if it is time; only Cancelled has to wait for their end. */
async function isCleared({ dask }: Deps, { flowRunId, verdict }: Deed): Promise<boolean> {
  if (!verdict.clear) return true;
  if (verdict.settle?.kind === "cancelled") return dask.isCleared(flowRunId, clearanceOf(verdict));
  await dask.clear(flowRunId, clearanceOf(verdict));
  return true;
}

function clearanceOf({ settle: settlement, remove: removals }: Verdict): Clearance {
  const isRescheduled = settlement?.kind === "reschedule";
  return {
    holds: (run) => (isRescheduled ? run.kind === "known" && isAlive(run.state.type) : isDone(run)),
    leaving: new Set(removals.map(({ job }) => job.metadata.uid)),
  };
}

function isForStory(settlement: Settlement): boolean {
  return settlement.kind === "fail" && settlement.withStory;
}

/** Returns what was told now: what nobody had told before. */
async function say(deps: Deps, { flowRunId, verdict, namespace, alone }: Deed): Promise<readonly Saying[]> {
  const what = { flowRunId, sayings: verdict.say, alone };
  const told = await tell(deps, what, (saying) => asLog(deps, { flowRunId, namespace, saying }));
  if (told.length > 0) deps.meter.count("said", undefined, told.length);
  return told;
}

async function asLog(
  deps: Deps,
  what: { readonly flowRunId: string; readonly namespace: string; readonly saying: Saying },
): Promise<RunLog> {
  const { name, level, message, timestamp, tailOf } = what.saying;
  const tail = tailOf === undefined ? "" : await lastLines(deps, what.namespace, tailOf);
  return { flowRunId: what.flowRunId, name, level, message: message + tail, timestamp };
}

/** The end of the container's log; a story without it is better than none. */
async function lastLines(deps: Deps, namespace: string, { pod, container, previous }: Tail): Promise<string> {
  const query = { container, previous, tailLines: TAIL_LINES, limitBytes: TAIL_BYTES };
  const read = (): Promise<string | undefined> => deps.kube.podLog({ namespace, name: pod }, query);
  try {
    const text = await retry(read, { ...TAIL_TRIES, clock: deps.clock });
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
async function settle(deps: Deps, deed: Deed, settlement: Settlement): Promise<Settled> {
  const { flowRunId } = deed;
  const { message, kind } = settlement;
  const run = await deps.states.fresh(flowRunId);
  if (run.kind === "known" && deed.version !== undefined && run.version !== deed.version) return "changed";
  if (run.kind !== "known" || !isWanted(settlement, run)) return "unwanted";
  const { version } = run;
  try {
    if (settlement.kind === "reschedule")
      await reschedule(deps, { flowRunId, message, job: settlement.job, version });
    else
      await deps.prefect.setState({ flowRunId, state: newState(STATES[settlement.kind], message), version });
  } catch (error) {
    if (error instanceof PrefectError && error.failure === "locked") return "changed";
    throw error;
  }
  deps.meter.count("settled", kind);
  deps.log.info(SETTLED[kind], { flowRun: flowRunId, message });
  return "settled";
}

function isWanted({ kind }: Settlement, run: RunView & { readonly kind: "known" }): boolean {
  return kind === "cancelled" ? run.state.type === "Cancelling" : isAlive(run.state.type);
}

const STATES = { fail: "Failed", cancelled: "Cancelled" } as const;

const SETTLED: Readonly<Record<Settlement["kind"], string>> = {
  fail: "Flow run failed in Kubernetes",
  cancelled: "Flow run cancelled",
  reschedule: "Flow run rescheduled after a disruption",
};

async function remove(
  deps: Deps,
  flowRunId: string,
  { job, why, word }: Removal,
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
