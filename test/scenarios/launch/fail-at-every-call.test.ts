// Exactly once, whatever the network does: every call of a submission fails once, without an effect or with one whose
// answer is lost, for one agent and for two that look for the same runs.

import { describe, expect, it } from "vitest";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere } from "../support/agent-here.ts";
import { failAt, pointsOf, trace } from "../support/kill-switch.ts";
import type { Mishap } from "../support/kill-switch.ts";
import { onceEach, overdueRetry, countsText, throughWith, twoScheduled } from "../support/stories.ts";
import type { Story } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const STORIES: readonly { readonly name: string; readonly story: Story }[] = [
  { name: "two runs in one batch", story: twoScheduled },
  { name: "a Running run with an overdue retry", story: overdueRetry },
];
const MISHAPS: readonly Mishap[] = ["500", "cut before", "cut after"];
const CASES = STORIES.flatMap(({ name, story }) =>
  MISHAPS.flatMap((mishap) => [1, 2].map((count) => ({ name, story, mishap, count }))),
);

async function play(world: World, agents: readonly AgentHere[], story: Story): Promise<string[]> {
  const ids = await story(world);
  for (const agent of agents) agent.poke();
  await throughWith(world, ids);
  return ids;
}

describe.concurrent("a call of a submission that fails once", () => {
  it.each(CASES)(
    "does not lose or double a run: $mishap, $count agent(s), $name",
    async ({ story, mishap, count }) => {
      const world = await startWorld();
      const agents = await Promise.all(
        ["a", "b"].slice(0, count).map((name) => startAgentHere(world, { name })),
      );
      try {
        const traced = trace(world);
        const all = await play(world, agents, story);
        traced.end();
        const missed: string[] = [];
        for (const point of pointsOf(traced.calls).filter(({ when }) => when === "before")) {
          const disarm = failAt(world, point, mishap);
          const ids = await play(world, agents, story);
          if (!disarm()) missed.push(`${point.call} ${point.nth}`);
          all.push(...ids);
          expect({ point, countsText: countsText(world, ids) }).toEqual({ point, countsText: onceEach(ids) });
        }
        expect(countsText(world, all)).toEqual(onceEach(all));
        expect(missed.filter((point) => /(create|set_\w+|queue) 1$/.test(point))).toEqual([]);
      } finally {
        await Promise.all(agents.map((agent) => agent.stop()));
        await world.stop();
      }
    },
    60_000,
  );
});
