// Schedules a flow run again that lost its pod to the cluster (Prefect issue 3058): task runs that were running, and those
// whose results are lost with the pod though somebody needs them, become Pending before the run becomes Scheduled.

import type { Restart } from "../../orchestrator/run-reporter.ts";
import type { Prefect1Client } from "../client.ts";
import { newState, scheduledAt } from "../states.ts";
import { restartLine, tasksToRestart } from "./tasks-to-restart.ts";

export interface RunRestart extends Restart {
  readonly flowRunId: string;
  readonly now: Date;
}

/** A request of so many states stays far below the 5 MB that Prefect Server takes. */
const STATES_AT_ONCE = 200;

/** Notes which task runs run again, makes them Pending, and the run Scheduled. Throws PrefectError. */
export async function restartRun(
  client: Pick<Prefect1Client, "taskGraph" | "setTaskStates" | "setState">,
  { flowRunId, message, version, note, now }: RunRestart,
): Promise<void> {
  const tasks = tasksToRestart(await client.taskGraph(flowRunId));
  const line = restartLine(tasks);
  if (line !== undefined) await note(line);
  // Not Scheduled: with task runs that are due Prefect's queue would hand out the run once more while it is Running.
  const state = newState("Pending", message);
  const states = [...tasks.unkept, ...tasks.lost].map(({ id }) => ({ taskRunId: id, state }));
  for (let at = 0; at < states.length; at += STATES_AT_ONCE) {
    await client.setTaskStates(states.slice(at, at + STATES_AT_ONCE));
  }
  await client.setState({ flowRunId, state: scheduledAt(now, message), version });
}
