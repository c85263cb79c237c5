// Flow runs for an agent to launch, and checks that each was launched exactly once.

import { expect, vi } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import type { FlowRunSpec } from "../../fakes/prefect1/control.ts";
import type { Fakes } from "./fakes.ts";

const SUBMITTED = /^Submitted for execution: Job /;
const WAIT = { timeout: 30_000, interval: 10 };

type PrefectAtTime = Pick<Fakes, "prefect"> & { readonly clock: Pick<Clock, "now"> };

/** Creates due flow runs and returns their ids. */
export type CreateRuns = (fakes: PrefectAtTime) => string[];

/** One due run. */
export const oneScheduled: CreateRuns = (fakes) => [dueRun(fakes)];

/** Two due runs, which the agent claims in one request. */
export const twoScheduled: CreateRuns = (fakes) => [dueRun(fakes), dueRun(fakes)];

/** A Running run without a process, whose task has an overdue retry. */
export const overdueRetry: CreateRuns = (fakes) => [runWithOverdueRetry(fakes)];

/** A due run of a flow with one task. */
export function dueRun(fakes: Pick<Fakes, "prefect">, spec: Omit<FlowRunSpec, "flow"> = {}): string {
  const flow = fakes.prefect.createFlow({ name: "etl", tasks: [{ slug: "work-1", maxRetries: 1 }] });
  return fakes.prefect.createFlowRun({ flow, ...spec }).id;
}

/** Creates a Running run with an overdue Retrying task run. */
function runWithOverdueRetry(fakes: PrefectAtTime): string {
  const flow = fakes.prefect.createFlow({ name: "retried", tasks: [{ slug: "work-1", maxRetries: 1 }] });
  const { id } = fakes.prefect.createFlowRun({ flow });
  fakes.prefect.setState(id, { type: "Running" });
  const overdue = new Date(fakes.clock.now().getTime() - 60_000).toISOString();
  const [task] = fakes.prefect.taskRuns(id);
  fakes.prefect.setTaskState(task?.id ?? "", { type: "Retrying", start_time: overdue, run_count: 1 });
  return id;
}

/** Resolves when all these runs are Success and the cluster has no Job left. */
export async function untilSucceeded(fakes: Fakes, ids: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    expect(ids.map((id) => fakes.prefect.flowRun(id)?.state)).toEqual(ids.map(() => "Success"));
    expect(
      fakes.kube.list("jobs").map(({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"]),
    ).toEqual([]);
  }, WAIT);
}

/** For each run: the Jobs it ever had, whether it was logged at most once as submitted, and its Submitted task runs. */
export function launchCounts(
  fakes: Pick<Fakes, "prefect" | "jobsOf">,
  ids: readonly string[],
): { jobs: number; loggedOnce: boolean; waiting: number }[] {
  return ids.map((id) => ({
    jobs: fakes.jobsOf(id).length,
    // A crash between creating the Job and writing the line loses the line, which is accepted.
    loggedOnce: logMessages(fakes, id).filter((line) => SUBMITTED.test(line)).length <= 1,
    waiting: fakes.prefect.taskRuns(id).filter(({ state }) => state === "Submitted").length,
  }));
}

/** The `launchCounts` of runs that were launched exactly once. */
export function launchedOnce(
  ids: readonly string[],
): { jobs: number; loggedOnce: boolean; waiting: number }[] {
  return ids.map(() => ({ jobs: 1, loggedOnce: true, waiting: 0 }));
}

/** Retries the check until it passes. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, WAIT);
}

/** The messages in a run's log, in order. */
export function logMessages(fakes: Pick<Fakes, "prefect">, id: string): string[] {
  return fakes.prefect.logsOf(id).map(({ message }) => message ?? "");
}
