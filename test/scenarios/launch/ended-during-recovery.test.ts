// A run ends while a restarted agent looks for claims without a Job.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiCall } from "../../fakes/prefect1/api-call.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import { dueRun, eventually, logMessages } from "../support/flow-runs.ts";
import { askedStates, listsClaims } from "../support/api-calls.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

let fakes: Fakes;

beforeEach(async () => {
  fakes = await startFakes({ speed: 20, script: () => "never", runsFlow: () => false });
});

afterEach(() => fakes.stop());

/** A Running run whose Job was created by an agent that has stopped. */
async function runningRun(): Promise<{ readonly id: string; readonly jobName: string }> {
  const first = await startInProcessAgent(fakes);
  const id = dueRun(fakes);
  first.poke();
  await eventually(() => expect(logMessages(fakes, id)).toHaveLength(1));
  await first.stop();
  fakes.prefect.setState(id, { type: "Running" });
  return { id, jobName: fakes.jobsOf(id)[0]?.name ?? "" };
}

/** Starts a second agent of the same name, waits for several recoveries, and returns the run's states. */
async function statesAfterRecovery(
  id: string,
  hook: (call: ApiCall) => Promise<void> | void,
): Promise<string[]> {
  let recoveries = 0;
  fakes.prefect.onRequest(async (call, moment) => {
    if (moment === "before" && listsClaims(call)) recoveries++;
    if (moment === "after") await hook(call);
  });
  const second = await startInProcessAgent(fakes);
  await eventually(() => expect(recoveries).toBeGreaterThan(3));
  await second.stop();
  return fakes.prefect.statesOf(id);
}

describe("a run that ends while a new agent looks for claims without a Job", () => {
  it("keeps its final state when it ends after the agent has listed it", async () => {
    const { id, jobName } = await runningRun();
    const processed = Promise.withResolvers<void>();
    let isOver = false;
    let hasReadRun = false;
    let polls = 0;
    const states = await statesAfterRecovery(id, async (call) => {
      // The agent reads the run when it sees the Job deleted; a few polls later it has processed that.
      hasReadRun ||= isOver && askedStates(call).includes(id);
      if (hasReadRun && call.fields.includes("get_runs_in_queue") && ++polls > 2) processed.resolve();
      if (isOver || !listsClaims(call)) return;
      isOver = true;
      fakes.prefect.setState(id, { type: "Success" });
      fakes.kube.remove("jobs", "default", jobName);
      await processed.promise;
    });
    expect(states).toEqual(["Scheduled", "Submitted", "Running", "Success"]);
    expect(logMessages(fakes, id)).toHaveLength(1);
  });

  it("keeps its final state when it ends after the agent has read its log", async () => {
    const { id, jobName } = await runningRun();
    fakes.kube.remove("jobs", "default", jobName);
    let isOver = false;
    const states = await statesAfterRecovery(id, ({ fields }) => {
      if (isOver || !fields.includes("log")) return;
      isOver = true;
      fakes.prefect.setState(id, { type: "Success" });
    });
    expect(states).toEqual(["Scheduled", "Submitted", "Running", "Success"]);
  });
});
