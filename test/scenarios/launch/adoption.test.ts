// Prefect's Lazarus process reschedules a run whose pod is still pulling its image: the existing Job is used for as long as it can run.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent } from "../support/in-process-agent.ts";
import { dueRun, eventually, logMessages, untilSucceeded } from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

let fakes: Fakes;
let agent: InProcessAgent;
let serverAheadMs: number;
let image: PromiseWithResolvers<void>;
let idlePods: number;

beforeEach(async () => {
  [serverAheadMs, image, idlePods] = [0, Promise.withResolvers<void>(), 0];
  fakes = await startFakes({
    speed: 20,
    prefect: { clock: { ...systemClock, now: () => new Date(Date.now() + serverAheadMs) } },
    imagePulled: () => image.promise,
    runsFlow: () => idlePods-- <= 0,
  });
  const policy = { ...DEFAULT_POLICY, exitGraceMs: 100 };
  agent = await startInProcessAgent(fakes, { policy });
});

afterEach(async () => {
  await agent.stop();
  await fakes.stop();
});

/** Reschedules as Lazarus does: half a minute later, when the server's lock on Submitted has expired. */
function reschedule(id: string): void {
  serverAheadMs += 31_000;
  const message = "Rescheduled by a Lazarus process.";
  fakes.prefect.setState(id, { type: "Scheduled", message, start_time: new Date().toISOString() });
}

describe("a rescheduled run whose pod still pulls its image", () => {
  it("uses its existing Job", async () => {
    const id = dueRun(fakes);
    await eventually(() => expect(logMessages(fakes, id).join("\n")).toMatch(/^Submitted for execution/m));
    const [job] = fakes.jobsOf(id);
    reschedule(id);
    await eventually(() =>
      expect(logMessages(fakes, id).join("\n")).toContain(
        `Submitted again: adopted by Job ${job?.name}, which is still active (in place of ...-`,
      ),
    );
    expect(fakes.prefect.flowRun(id)?.state).toBe("Submitted");
    expect(fakes.jobsOf(id)).toHaveLength(1);
  });

  it("gets a new Job when the existing one ends without running the flow", async () => {
    idlePods = 3;
    const id = dueRun(fakes);
    await eventually(() => expect(logMessages(fakes, id).join("\n")).toMatch(/^Submitted for execution/m));
    reschedule(id);
    await eventually(() => expect(logMessages(fakes, id).join("\n")).toMatch(/^Submitted again: adopted/m));
    image.resolve();
    await untilSucceeded(fakes, [id]);
    expect(new Set(fakes.jobsOf(id).map(({ name }) => name)).size).toBe(2);
    expect(fakes.jobsOf(id)).toHaveLength(2);
  });
});
