// Kills the agent's process at each call of a launch, one after the other, and lets the next process finish the launch.

import { expect } from "vitest";
import { startAgentProcess } from "./agent-process.ts";
import type { AgentProcess } from "./agent-process.ts";
import { interceptAt, pointsOf, trace } from "./api-calls.ts";
import type { CallPoint } from "./api-calls.ts";
import { launchedOnce, launchCounts, untilSucceeded } from "./flow-runs.ts";
import type { CreateRuns } from "./flow-runs.ts";
import { startFakes } from "./fakes.ts";
import type { Fakes } from "./fakes.ts";

export interface Sweep {
  readonly createRuns: CreateRuns;
  /** How many agents run; all but one are never killed. */
  readonly count: number;
  /** Which calls; without it, all. */
  readonly only?: RegExp;
}

/** Kills at every call, before and after its effect, and returns how often. Fails if a run is lost or launched twice. */
export async function killAtEveryCall({ createRuns, count, only = /./ }: Sweep): Promise<number> {
  const fakes = await startFakes();
  let agent = await startAgentProcess(fakes);
  const siblings = await Promise.all(
    Array.from({ length: count - 1 }, () => startAgentProcess(fakes, ["--name=sibling"])),
  );
  try {
    await Promise.all([agent, ...siblings].map((each) => each.ready()));
    const points = pointsOf(await callsOf(fakes, agent, createRuns)).filter(({ call }) => only.test(call));
    const all: string[] = [];
    let kills = 0;
    for (const point of points) {
      const { ids, killed, next } = await killAt(fakes, agent, { createRuns, point, siblings });
      agent = next;
      all.push(...ids);
      if (killed) kills++;
      // The number of polls and reads varies; the writes of a launch always occur.
      else expect(`${point.call} ${point.nth}`).not.toMatch(/(?:create jobs|set_\w+) 1$/);
      expect({ point, launchCounts: launchCounts(fakes, ids) }).toEqual({
        point,
        launchCounts: launchedOnce(ids),
      });
    }
    // Again at the end, for Jobs that were created late.
    expect(launchCounts(fakes, all)).toEqual(launchedOnce(all));
    return kills;
  } finally {
    await Promise.all([agent, ...siblings].map((each) => each.kill()));
    await fakes.stop();
  }
}

/** The calls of one undisturbed launch, from the poll that finds the runs. */
async function callsOf(
  fakes: Fakes,
  agent: AgentProcess,
  createRuns: CreateRuns,
): Promise<readonly string[]> {
  const traced = trace(fakes);
  const ids = await createRuns(fakes);
  await agent.poke();
  await untilSucceeded(fakes, ids);
  traced.end();
  return traced.calls;
}

/** Kills the agent at the point, if it is reached, and starts the next process. */
async function killAt(
  fakes: Fakes,
  agent: AgentProcess,
  options: {
    readonly createRuns: CreateRuns;
    readonly point: CallPoint;
    readonly siblings: readonly AgentProcess[];
  },
): Promise<{ ids: string[]; killed: boolean; next: AgentProcess }> {
  let killed = false;
  const interception = interceptAt(fakes, options.point, async () => {
    killed = true;
    await agent.kill();
  });
  const ids = await options.createRuns(fakes);
  await Promise.all([agent, ...options.siblings].map((each) => each.poke().catch(() => undefined)));
  await Promise.race([interception.done, untilSucceeded(fakes, ids)]);
  interception.cancel();
  if (!killed) await agent.kill();
  const next = await startAgentProcess(fakes);
  await untilSucceeded(fakes, ids);
  return { ids, killed, next };
}
