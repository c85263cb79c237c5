// Lazarus reschedules runs whose pod is still pulling its image: the Job that stands does the work, as long as it can.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere } from "../support/agent-here.ts";
import { dueRun, eventually, linesOf, throughWith } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

let world: World;
let agent: AgentHere;
let serverAheadMs: number;
let pullMs: number;
let idlePods: number;

beforeEach(async () => {
  [serverAheadMs, pullMs, idlePods] = [0, 3_600_000, 0];
  world = await startWorld({
    prefect: { clock: { ...systemClock, now: () => new Date(Date.now() + serverAheadMs) } },
    script: () => ({ fate: "succeed", startMs: world.kube.list("jobs").length > 1 ? 0 : pullMs }),
    doesRun: () => idlePods-- <= 0,
  });
  const policy = { ...DEFAULT_POLICY, exitGraceMs: 100 };
  agent = await startAgentHere(world, { hurried: true, settings: { policy } });
});

afterEach(async () => {
  await agent.stop();
  await world.stop();
});

/** As Lazarus does it, half a minute later, when the server's lock on Submitted is open again. */
function reschedule(id: string): void {
  serverAheadMs += 31_000;
  const message = "Rescheduled by a Lazarus process.";
  world.prefect.setState(id, { type: "Scheduled", message, start_time: new Date().toISOString() });
}

describe("a rescheduled run whose Job still pulls its image", () => {
  it("is adopted by that Job", async () => {
    const id = dueRun(world);
    await eventually(() => expect(linesOf(world, id).join("\n")).toMatch(/^Submitted for execution/m));
    const [job] = world.jobsOf(id);
    reschedule(id);
    await eventually(() =>
      expect(linesOf(world, id)).toContain(
        `Submitted again: adopted by Job ${job?.name}, which is still at work`,
      ),
    );
    expect(world.prefect.flowRun(id)?.state).toBe("Submitted");
    expect(world.jobsOf(id)).toHaveLength(1);
  });

  it("gets a new Job when that one ends without doing the run", async () => {
    pullMs = 1_000;
    idlePods = 3;
    const id = dueRun(world);
    await eventually(() => expect(linesOf(world, id).join("\n")).toMatch(/^Submitted for execution/m));
    reschedule(id);
    await eventually(() => expect(linesOf(world, id).join("\n")).toMatch(/^Submitted again: adopted/m));
    pullMs = 0;
    await throughWith(world, [id]);
    expect(new Set(world.jobsOf(id).map(({ name }) => name)).size).toBe(2);
    expect(world.jobsOf(id)).toHaveLength(2);
  });
});
