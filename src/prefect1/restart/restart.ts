// Reschedules a flow run whose pod was evicted or lost (Prefect issue 3058). Task runs that were running, and those whose
// results were lost with the pod but are still needed, become Pending; then the flow run becomes Scheduled.

import type { Restart } from "../../orchestrator/run-reporter.ts";
import type { Prefect1Client } from "../client.ts";
import { newState, scheduledAt } from "../states.ts";
import { restartLine, tasksToRestart } from "./tasks-to-restart.ts";

export interface RunRestart extends Restart {
  readonly flowRunId: string;
  readonly now: Date;
}

/** Keeps requests well below Prefect Server's limit of 5 MB. */
const BATCH_SIZE = 200;

/** Logs which task runs will run again before it changes any state. Throws PrefectError. */
export async function restartRun(
  client: Pick<Prefect1Client, "taskGraph" | "setTaskStates" | "setState">,
  { flowRunId, message, version, writeLog, now }: RunRestart,
): Promise<void> {
  const tasks = tasksToRestart(await client.taskGraph(flowRunId));
  const line = restartLine(tasks);
  if (line !== undefined) await writeLog(line);
  // Not Scheduled: Prefect's queue also returns Running flow runs with due task runs, so the run would launch twice.
  const state = newState("Pending", message);
  const states = [...tasks.resultLost, ...tasks.interrupted].map(({ id }) => ({ taskRunId: id, state }));
  for (let at = 0; at < states.length; at += BATCH_SIZE) {
    await client.setTaskStates(states.slice(at, at + BATCH_SIZE));
  }
  await client.setState({ flowRunId, state: scheduledAt(now, message), version });
}
