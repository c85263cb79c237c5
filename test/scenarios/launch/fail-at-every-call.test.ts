// Exactly-once launch under network failures: every call of a launch fails once, with or without an effect on the server, for
// one agent and for two agents with the same runs.

import { describe, expect, it } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent } from "../support/in-process-agent.ts";
import { failAt, pointsOf, trace } from "../support/api-calls.ts";
import type { CallFailure } from "../support/api-calls.ts";
import {
  launchedOnce,
  overdueRetry,
  launchCounts,
  untilSucceeded,
  twoScheduled,
} from "../support/flow-runs.ts";
import type { CreateRuns } from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

const RUNS: readonly { readonly name: string; readonly createRuns: CreateRuns }[] = [
  { name: "two runs in one batch", createRuns: twoScheduled },
  { name: "a Running run with an overdue retry", createRuns: overdueRetry },
];
const FAILURES: readonly CallFailure[] = ["500", "cut before", "cut after"];
const CASES = RUNS.flatMap(({ name, createRuns }) =>
  FAILURES.flatMap((failure) => [1, 2].map((count) => ({ name, createRuns, failure, count }))),
);

async function launch(
  fakes: Fakes,
  agents: readonly InProcessAgent[],
  createRuns: CreateRuns,
): Promise<string[]> {
  const ids = createRuns(fakes);
  for (const agent of agents) agent.poke();
  await untilSucceeded(fakes, ids);
  return ids;
}

describe.concurrent("a launch in which one call fails once", () => {
  it.each(CASES)(
    "launches every run exactly once: $failure, $count agent(s), $name",
    async ({ createRuns, failure, count }) => {
      const fakes = await startFakes();
      const agents = await Promise.all(
        ["a", "b"].slice(0, count).map((name) => startInProcessAgent(fakes, { name })),
      );
      try {
        const traced = trace(fakes);
        const all = await launch(fakes, agents, createRuns);
        traced.end();
        const missed: string[] = [];
        for (const point of pointsOf(traced.calls).filter(({ when }) => when === "before")) {
          const fault = failAt(fakes, point, failure);
          const ids = await launch(fakes, agents, createRuns);
          fault.remove();
          if (fault.hits() === 0) missed.push(`${point.call} ${point.nth}`);
          all.push(...ids);
          expect({ point, launchCounts: launchCounts(fakes, ids) }).toEqual({
            point,
            launchCounts: launchedOnce(ids),
          });
        }
        expect(launchCounts(fakes, all)).toEqual(launchedOnce(all));
        expect(missed.filter((point) => /(create|set_\w+|queue) 1$/.test(point))).toEqual([]);
      } finally {
        await Promise.all(agents.map((agent) => agent.stop()));
        await fakes.stop();
      }
    },
    60_000,
  );
});
