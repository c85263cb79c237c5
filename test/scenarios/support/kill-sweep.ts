// Kills the agent's process at each call of a story, one after the other, and has the next process finish it.

import { expect } from "vitest";
import { startAgentProcess } from "./agent-process.ts";
import type { AgentProcess } from "./agent-process.ts";
import { pointsOf, strikeAt, trace } from "./kill-switch.ts";
import type { CallPoint } from "./kill-switch.ts";
import { onceEach, countsText, throughWith } from "./stories.ts";
import type { Story } from "./stories.ts";
import { startWorld } from "./world.ts";
import type { World } from "./world.ts";

export interface Sweep {
  readonly story: Story;
  /** Agents at once; the others are left alone. */
  readonly count: number;
  /** Which calls; all without it. */
  readonly only?: RegExp;
}

/** Kills at every call, before and after its effect. Answers at how many; fails when a run is lost or doubled. */
export async function killAtEveryCall({ story, count, only = /./ }: Sweep): Promise<number> {
  const world = await startWorld();
  let agent = await startAgentProcess(world);
  const siblings = await Promise.all(
    Array.from({ length: count - 1 }, () => startAgentProcess(world, ["--name=sibling"])),
  );
  try {
    await Promise.all([agent, ...siblings].map((each) => each.ready()));
    const points = pointsOf(await callsOf(world, agent, story)).filter(({ call }) => only.test(call));
    const all: string[] = [];
    let kills = 0;
    for (const point of points) {
      const { ids, struck, next } = await killedAt(world, agent, { story, point, siblings });
      agent = next;
      all.push(...ids);
      if (struck) kills++;
      // Further polls and the last looks of a story do not come every time; what makes the submission does.
      else expect(`${point.call} ${point.nth}`).not.toMatch(/(?:create jobs|set_\w+) 1$/);
      expect({ point, countsText: countsText(world, ids) }).toEqual({ point, countsText: onceEach(ids) });
    }
    // Once more at the end, for Jobs that came late.
    expect(countsText(world, all)).toEqual(onceEach(all));
    return kills;
  } finally {
    await Promise.all([agent, ...siblings].map((each) => each.kill()));
    await world.stop();
  }
}

/** The calls of one story that nothing disturbs, from the poll that finds its runs on. */
async function callsOf(world: World, agent: AgentProcess, story: Story): Promise<readonly string[]> {
  const traced = trace(world);
  const ids = await story(world);
  await agent.poke();
  await throughWith(world, ids);
  traced.end();
  return traced.calls;
}

/** One case: whether the agent was killed at all, and the next process, which is the victim of the case after. */
async function killedAt(
  world: World,
  victim: AgentProcess,
  given: { readonly story: Story; readonly point: CallPoint; readonly siblings: readonly AgentProcess[] },
): Promise<{ ids: string[]; struck: boolean; next: AgentProcess }> {
  let struck = false;
  const armed = strikeAt(world, given.point, async () => {
    struck = true;
    await victim.kill();
  });
  const ids = await given.story(world);
  await Promise.all([victim, ...given.siblings].map((agent) => agent.poke().catch(() => undefined)));
  await Promise.race([armed.struck, throughWith(world, ids)]);
  armed.disarm();
  if (!struck) await victim.kill();
  const next = await startAgentProcess(world);
  await throughWith(world, ids);
  return { ids, struck, next };
}
