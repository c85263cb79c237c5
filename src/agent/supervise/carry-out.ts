// supervise: a verdict becomes deeds. Tell the story first, settle the state second, remove the evidence last:
// each step only when Prefect or Kubernetes accepted the one before.

import type { AgentDeps } from "../deps.ts";
import type { ClusterView } from "../cluster-view.ts";
import { KubeError } from "../../kube/errors.ts";
import type { RunLog } from "../../prefect/api.ts";
import { newState, scheduledAt } from "../../prefect/state.ts";
import type { Removal, Saying, Settlement, Verdict } from "../../job/verdict.ts";
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
  readonly view: ClusterView;
};

const TAIL_LINES = 20;
const TAIL_BYTES = 16_000;

/** Says, settles, removes. Throws when a step was not accepted; what follows is then not done. */
export async function carryOut(deps: Deps, deed: Deed): Promise<void> {
  await say(deps, deed);
  if (deed.verdict.settle !== undefined) await settle(deps, deed.flowRunId, deed.verdict.settle);
  for (const removal of deed.verdict.remove) await remove(deps, deed.flowRunId, removal);
}

async function say(deps: Deps, { flowRunId, verdict, namespace, alone }: Deed): Promise<void> {
  const fresh = await deps.said.unsaid(flowRunId, verdict.say, alone);
  if (fresh.length === 0) return;
  const logs = await Promise.all(fresh.map((saying) => asLog(deps, { flowRunId, namespace, saying })));
  try {
    await deps.prefect.writeLogs(logs);
  } catch (error) {
    deps.said.doubt(flowRunId);
    throw error;
  }
  deps.said.remember(flowRunId, fresh);
  deps.meter.count("said", undefined, logs.length);
}

async function asLog(
  deps: Deps,
  what: { readonly flowRunId: string; readonly namespace: string; readonly saying: Saying },
): Promise<RunLog> {
  const { name, level, message, timestamp } = what.saying;
  const tail =
    what.saying.tailOf === undefined ? "" : await lastLines(deps, what.namespace, what.saying.tailOf);
  return { flowRunId: what.flowRunId, name, level, message: message + tail, timestamp };
}

/** The end of the container's log; a story without it is better than none. */
async function lastLines(
  deps: Deps,
  namespace: string,
  of: { readonly pod: string; readonly container: string | undefined },
): Promise<string> {
  const query = { container: of.container, tailLines: TAIL_LINES, limitBytes: TAIL_BYTES };
  try {
    const text = await deps.kube.podLog({ namespace, name: of.pod }, query);
    const lines = (text ?? "").trimEnd();
    if (lines === "") return "";
    const who = of.container === undefined ? of.pod : `container '${of.container}'`;
    return `\nLast lines of ${who}:\n${lines
      .split("\n")
      .map((line) => `\t${line}`)
      .join("\n")}`;
  } catch (error) {
    if (error instanceof KubeError) return "";
    throw error;
  }
}

async function settle(deps: Deps, flowRunId: string, settlement: Settlement): Promise<void> {
  const { message, kind } = settlement;
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

async function remove(deps: Deps, flowRunId: string, { job, why }: Removal): Promise<void> {
  const { uid, name, namespace } = job.metadata;
  deps.view.expectGone(uid);
  try {
    const outcome = await deps.kube.delete("jobs", { namespace, name }, { uid, propagation: "Foreground" });
    if (outcome === "deleted") {
      deps.meter.count("removed", why);
      deps.log.info("Job deleted", { flowRun: flowRunId, job: name, why });
    }
  } catch (error) {
    deps.view.unexpectGone(uid);
    throw error;
  }
}
