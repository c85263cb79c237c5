// Exactly-once launch if the agent is killed: at every call of a launch, before and after its effect. The next process finishes
// the launch. In virtual time; killed-process.test.ts kills a real process.

import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";
import { World } from "../../simulation/world.ts";
import { interceptAt, pointsOf, trace } from "../support/api-calls.ts";
import type { CallPoint } from "../support/api-calls.ts";
import { simulateFlowRun } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";
import {
  launchCounts,
  launchedOnce,
  oneScheduled,
  overdueRetry,
  twoScheduled,
} from "../support/flow-runs.ts";
import type { CreateRuns } from "../support/flow-runs.ts";

const RUN_LABEL = "prefect.io/flow_run_id";
const LONGEST_MS = 300_000;

let world: World;
afterEach(() => world.close());

type VirtualFakes = Pick<Fakes, "kube" | "prefect" | "jobsOf"> & { readonly clock: Pick<Clock, "now"> };

/** A world whose pods do as those of the fakes, and its fakes. */
function fakesInVirtualTime(): VirtualFakes {
  const withPod = new Map<string, ReturnType<Fakes["jobsOf"]>[number]>();
  const runOf = ({ metadata }: Job): string => metadata.labels?.[RUN_LABEL] ?? "";
  const now = (): Date => new Date(world.time.nowMs);
  world = new World({
    flows: {
      script: (job) => {
        const { uid, name } = job.metadata;
        withPod.set(uid, { uid, name, flowRunId: runOf(job), at: now() });
        return "succeed";
      },
      onPhase: (job, _pod, phase) => simulateFlowRun(world.prefect, runOf(job), phase),
    },
  });
  return {
    kube: world.kube,
    prefect: world.prefect,
    clock: { now },
    jobsOf: (id) => [...withPod.values()].filter(({ flowRunId }) => flowRunId === id),
  };
}

async function untilSucceeded(ids: readonly string[]): Promise<void> {
  const isOver = (): boolean =>
    ids.every((id) => world.state(id) === "Success") && world.kube.list("jobs").length === 0;
  await world.time.until(isOver, LONGEST_MS);
}

async function start(name: string): Promise<SimulatedAgent> {
  const agent = world.start({ name });
  await world.time.until(
    () => agent.lines.some((line) => line.includes("Waiting for flow runs")),
    LONGEST_MS,
  );
  return agent;
}

/** The calls of one undisturbed launch, from the poll that finds the runs. */
async function callsOf(
  fakes: VirtualFakes,
  agent: SimulatedAgent,
  createRuns: CreateRuns,
): Promise<readonly string[]> {
  const traced = trace(fakes);
  const ids = createRuns(fakes);
  agent.agent()?.poke();
  await untilSucceeded(ids);
  traced.end();
  return traced.calls;
}

/** Kills the agent at the point, if it is reached, and starts the next process. */
async function killAt(
  fakes: VirtualFakes,
  agents: readonly SimulatedAgent[],
  launch: { readonly createRuns: CreateRuns; readonly point: CallPoint },
): Promise<{ ids: string[]; killed: boolean; next: SimulatedAgent }> {
  const [agent] = agents as [SimulatedAgent];
  let killed = false;
  const interception = interceptAt(fakes, launch.point, () => {
    killed = true;
    agent.process.kill();
  });
  const ids = launch.createRuns(fakes);
  for (const each of agents) each.agent()?.poke();
  const isOver = (): boolean => ids.every((id) => world.state(id) === "Success");
  await world.time.until(() => killed || isOver(), LONGEST_MS);
  interception.cancel();
  if (!killed) agent.process.kill();
  const next = await start("agent");
  await untilSucceeded(ids);
  return { ids, killed, next };
}

describe("an agent that is killed at any call of a launch", () => {
  it.each([
    { name: "one Scheduled run", createRuns: oneScheduled, siblings: [] },
    { name: "a Running run with an overdue retry", createRuns: overdueRetry, siblings: [] },
    { name: "two runs in one batch", createRuns: twoScheduled, siblings: [] },
    { name: "two runs and a second agent", createRuns: twoScheduled, siblings: ["sibling"] },
  ])("lets the next process finish the launch: $name", async ({ createRuns, siblings }) => {
    const fakes = fakesInVirtualTime();
    let agent = await start("agent");
    const others = await Promise.all(siblings.map(start));
    const all: string[] = [];
    const missed: string[] = [];
    for (const point of pointsOf(await callsOf(fakes, agent, createRuns))) {
      const { ids, killed, next } = await killAt(fakes, [agent, ...others], { createRuns, point });
      agent = next;
      all.push(...ids);
      if (!killed) missed.push(`${point.call} ${point.nth}`);
      const counts = launchCounts(fakes, ids);
      expect({ point, counts }).toEqual({ point, counts: launchedOnce(ids) });
    }
    // Again at the end, for Jobs that were created late.
    expect(launchCounts(fakes, all)).toEqual(launchedOnce(all));
    // The number of polls and reads varies; the writes of a launch always occur.
    expect(missed.filter((call) => /(?:create jobs|set_\w+) 1$/.test(call))).toEqual([]);
    expect(all.length).toBeGreaterThanOrEqual(missed.length + 8);
  });
});
