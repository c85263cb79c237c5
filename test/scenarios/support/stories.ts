// Flow runs that an agent has to launch, and what must be true of them once they are through.

import { expect, vi } from "vitest";
import type { FlowRunSpec } from "../../fakes/prefect1/control.ts";
import { setTaskState } from "../../fakes/prefect1/client.ts";
import type { World } from "./world.ts";

const SAID = /^Submitted for execution: Job /;
const PATIENCE = { timeout: 20_000, interval: 10 };

/** Makes due flow runs; answers their ids. */
export type Story = (world: World) => Promise<string[]>;

/** One run that is due. */
export const oneScheduled: Story = async (world) => [dueRun(world)];

/** Two runs that are due at once: their claims leave in one request. */
export const twoScheduled: Story = async (world) => [dueRun(world), dueRun(world)];

/** A run whose process has ended while a task waits for its retry, which is overdue. */
export const overdueRetry: Story = async (world) => [await runWithOverdueRetry(world)];

/** A due run of a flow with one task. */
export function dueRun(world: World, spec: Omit<FlowRunSpec, "flow"> = {}): string {
  const flow = world.prefect.createFlow({ name: "story", tasks: [{ slug: "work-1", maxRetries: 1 }] });
  return world.prefect.createFlowRun({ flow, ...spec }).id;
}

/** A Running run with an overdue Retrying task run. */
export async function runWithOverdueRetry(world: World): Promise<string> {
  const flow = world.prefect.createFlow({ name: "retried", tasks: [{ slug: "work-1", maxRetries: 1 }] });
  const { id } = world.prefect.createFlowRun({ flow });
  world.prefect.setState(id, { type: "Running" });
  const overdue = new Date(Date.now() - 60_000).toISOString();
  const [task] = world.prefect.taskRuns(id);
  await setTaskState(world.prefect, task?.id ?? "", { type: "Retrying", start_time: overdue, run_count: 1 });
  return id;
}

/** Resolves when all these runs are Success and nothing of them is left in the cluster. */
export async function throughWith(world: World, ids: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    expect(ids.map((id) => world.prefect.flowRun(id)?.state)).toEqual(ids.map(() => "Success"));
    expect(
      world.kube.list("jobs").map(({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"]),
    ).toEqual([]);
  }, PATIENCE);
}

/** What the agent did with each run: Jobs ever made, times it said so, task runs left waiting. */
export function countsText(
  world: World,
  ids: readonly string[],
): { jobs: number; said: boolean; waiting: number }[] {
  return ids.map((id) => ({
    jobs: world.jobsOf(id).length,
    // Not said at all is the lesser evil: it takes a crash right between Job and line.
    said: linesOf(world, id).filter((line) => SAID.test(line)).length <= 1,
    waiting: world.prefect.taskRuns(id).filter(({ state }) => state === "Submitted").length,
  }));
}

/** What a countsText is to show for each run. */
export function onceEach(ids: readonly string[]): { jobs: number; said: boolean; waiting: number }[] {
  return ids.map(() => ({ jobs: 1, said: true, waiting: 0 }));
}

/** Resolves when something is true; it is looked at again and again. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, PATIENCE);
}

/** Messages in a run's log, as they were written. */
export function linesOf(world: World, id: string): string[] {
  return world.prefect.logsOf(id).map(({ message }) => message ?? "");
}
