// supervise: a flow run that lost its pod to the cluster is made whole and scheduled anew (Prefect issue 3058): what was at
// work, and what is lost with the pod though somebody needs it, is Pending before the run is Scheduled.

import type { AgentDeps } from "../../agent/deps.ts";
import { runAgainLine, tasksToRunAgain } from "./tasks-to-restart.ts";
import type { RunLogEntry } from "../../job/decide/decide.ts";
import { newState, scheduledAt } from "../states.ts";
import type { LogBatch } from "../../agent/log-batch.ts";
import type { Said } from "../../agent/supervise/reported-log.ts";
import { reportOnce } from "../../agent/supervise/report.ts";

type Deps = Pick<AgentDeps, "prefect" | "clock"> & { readonly said: Said; readonly logs: LogBatch };

/** A flow run and why it is scheduled anew. */
export interface Rescheduling {
  readonly flowRunId: string;
  readonly message: string;
  /** The Job that it lost. */
  readonly job: string;
  /** The version of the run's state; undefined: any. */
  readonly version: number | undefined;
}

/** A request of so many states stays far below the 5 MB that Prefect Server takes. */
const STATES_AT_ONCE = 200;

/** Says what is run again, then makes it Pending, and the run Scheduled. Throws PrefectError. */
export async function reschedule(deps: Deps, what: Rescheduling): Promise<void> {
  const { prefect } = deps;
  const { flowRunId, message, version } = what;
  const again = tasksToRunAgain(await prefect.taskGraph(flowRunId));
  await say(deps, what, runAgainLine(again));
  // Not Scheduled: with task runs that are due Prefect's queue would hand out the run once more while it is Running.
  const state = newState("Pending", message);
  const states = [...again.unkept, ...again.lost].map(({ id }) => ({ taskRunId: id, state }));
  for (let at = 0; at < states.length; at += STATES_AT_ONCE) {
    await prefect.setTaskStates(states.slice(at, at + STATES_AT_ONCE));
  }
  await prefect.setState({ flowRunId, state: scheduledAt(deps.clock.now(), message), version });
}

async function say(deps: Deps, what: Rescheduling, words: string | undefined): Promise<void> {
  if (words === undefined) return;
  const { flowRunId, job } = what;
  const mark = `After Job ${job}: `;
  const line: RunLogEntry = {
    name: "k8s-infra",
    level: "WARNING",
    message: `${mark}${words}`,
    key: mark,
    job,
  };
  const { name, level, message } = line;
  const log = { flowRunId, name, level, message };
  await reportOnce(deps, { flowRunId, entries: [line], alone: false }, () => Promise.resolve(log));
}
