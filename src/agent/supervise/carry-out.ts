// supervise: a verdict becomes deeds. Tell the story first, settle the state second, remove the evidence last:
// each step only when Prefect or Kubernetes accepted the one before.

import type { AgentDeps } from "../deps.ts";
import type { ClusterView } from "../cluster-view.ts";
import { KubeError } from "../../kube/errors.ts";
import type { RunLog } from "../../prefect/api.ts";
import { isAlive, newState, scheduledAt } from "../../prefect/state.ts";
import { retry } from "../../base/backoff.ts";
import type { Removal, RunView, Saying, Settlement, Tail, Verdict } from "../../job/verdict.ts";
import type { RunStates } from "./run-states.ts";
import type { Said } from "./said.ts";

export interface Deed {
  readonly flowRunId: string;
  readonly verdict: Verdict;
  readonly namespace: string;
  /** Nobody but this process can have spoken of the run. */
  readonly alone: boolean;
}

type Deps = Pick<AgentDeps, "kube" | "prefect" | "clock" | "log" | "meter"> & {
  readonly said: Said;
  readonly states: Pick<RunStates, "fresh">;
  readonly view: ClusterView;
};

const TAIL_LINES = 20;
const TAIL_BYTES = 16_000;
const TAIL_TRIES = { attempts: 3, shape: { firstMs: 100, maxMs: 500 } };
/** When to try a deletion again that we have no right to. */
const FORBIDDEN_MS = 600_000;

/**
 * Says, settles, removes. Throws when a step was not accepted; what follows is then not done. Returns after how many
 * milliseconds to try again what was forbidden.
 */
export async function carryOut(deps: Deps, deed: Deed): Promise<number | undefined> {
  const { flowRunId, verdict } = deed;
  const told = await say(deps, deed);
  const { settle: settlement } = verdict;
  if (settlement !== undefined && (!isForStory(settlement) || told.some(({ level }) => level === "ERROR"))) {
    await settle(deps, flowRunId, settlement);
  }
  const outcomes: (number | undefined)[] = [];
  for (const removal of verdict.remove) outcomes.push(await remove(deps, flowRunId, removal));
  return outcomes.find((outcome) => outcome !== undefined);
}

function isForStory(settlement: Settlement): boolean {
  return settlement.kind === "fail" && settlement.withStory;
}

/** Returns what was told now: what nobody had told before. */
async function say(deps: Deps, { flowRunId, verdict, namespace, alone }: Deed): Promise<readonly Saying[]> {
  const fresh = await deps.said.unsaid(flowRunId, verdict.say, alone);
  if (fresh.length === 0) return [];
  const logs = await Promise.all(fresh.map((saying) => asLog(deps, { flowRunId, namespace, saying })));
  try {
    await deps.prefect.writeLogs(logs);
  } catch (error) {
    deps.said.doubt(flowRunId);
    throw error;
  }
  deps.said.remember(flowRunId, fresh);
  deps.meter.count("said", undefined, logs.length);
  return fresh;
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

/** The state is asked once more: telling took its time, and what is final or cancelled by now stays so. */
async function settle(deps: Deps, flowRunId: string, settlement: Settlement): Promise<void> {
  const { message, kind } = settlement;
  if (!isWanted(settlement, await deps.states.fresh(flowRunId))) return;
  switch (kind) {
    case "fail":
      await deps.prefect.setState({ flowRunId, state: newState("Failed", message) });
      break;
    case "cancelled":
      await deps.prefect.setState({ flowRunId, state: newState("Cancelled", message) });
      break;
    case "reschedule":
      await reschedule(deps, flowRunId, message);
      break;
  }
  deps.meter.count("settled", kind);
  deps.log.info(SETTLED[kind], { flowRun: flowRunId, message });
}

function isWanted({ kind }: Settlement, run: RunView): boolean {
  if (run.kind !== "known") return false;
  return kind === "cancelled" ? run.state.type === "Cancelling" : isAlive(run.state.type);
}

const SETTLED: Readonly<Record<Settlement["kind"], string>> = {
  fail: "Flow run failed in Kubernetes",
  cancelled: "Flow run cancelled",
  reschedule: "Flow run rescheduled after a disruption",
};

/**
 * Tasks that were running in the lost pod count as still running for a new one, which would skip them and everything
 * behind them (Prefect issue 3058): they are scheduled anew before the run is.
 */
async function reschedule(deps: Deps, flowRunId: string, message: string): Promise<void> {
  const now = deps.clock.now();
  const lost = (await deps.prefect.unfinishedTaskRuns(flowRunId)).filter(
    ({ serialized_state: state }) => state.type === "Running" || state.type === "Submitted",
  );
  await deps.prefect.setTaskStates(
    lost.map(({ id }) => ({ taskRunId: id, state: scheduledAt(now, message) })),
  );
  await deps.prefect.setState({ flowRunId, state: scheduledAt(now, message) });
}

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
