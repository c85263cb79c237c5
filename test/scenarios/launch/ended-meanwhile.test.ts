// A run that ends while a restarted agent is looking for submissions without a Job.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiCall } from "../../fakes/prefect1/api-call.ts";
import { startAgentHere } from "../support/agent-here.ts";
import { dueRun, eventually, linesOf } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

let world: World;

beforeEach(async () => {
  world = await startWorld({ script: () => "never", doesRun: () => false });
});

afterEach(() => world.stop());

/** A run at work, whose Job was made by an agent that is no more. */
async function runAtWork(): Promise<{ readonly id: string; readonly jobName: string }> {
  const first = await startAgentHere(world);
  const id = dueRun(world);
  first.poke();
  await eventually(() => expect(linesOf(world, id)).toHaveLength(1));
  await first.stop();
  world.prefect.setState(id, { type: "Running" });
  return { id, jobName: world.jobsOf(id)[0]?.name ?? "" };
}

const asksForClaims = ({ variables }: ApiCall): boolean => "offset" in variables;
const asksFor = ({ variables }: ApiCall, id: string): boolean =>
  Array.isArray(variables["ids"]) && variables["ids"].includes(id);

/** The same name as the first one's: its submissions count as its own, and it need not wait for a sibling. */
async function sweepTwice(id: string, hook: (call: ApiCall) => Promise<void> | void): Promise<string[]> {
  let sweeps = 0;
  world.prefect.onRequest(async (call, moment) => {
    if (moment === "before" && asksForClaims(call)) sweeps++;
    if (moment === "after") await hook(call);
  });
  const second = await startAgentHere(world, { hurried: true });
  await eventually(() => expect(sweeps).toBeGreaterThan(3));
  await second.stop();
  return world.prefect.history(id).map(({ type }) => type);
}

describe("a run that ended while a new agent looks for unfinished submissions", () => {
  it("keeps its end when it came after its id was told", async () => {
    const { id, jobName } = await runAtWork();
    const seen = Promise.withResolvers<void>();
    let isOver = false;
    let hasAsked = false;
    let polls = 0;
    const states = await sweepTwice(id, async (call) => {
      // The agent has seen the Job go when it asks for its run; some polls later it is done with that.
      hasAsked ||= isOver && asksFor(call, id);
      if (hasAsked && call.fields.includes("get_runs_in_queue") && ++polls > 2) seen.resolve();
      if (isOver || !asksForClaims(call)) return;
      isOver = true;
      world.prefect.setState(id, { type: "Success" });
      world.kube.remove("jobs", "default", jobName);
      await seen.promise;
    });
    expect(states).toEqual(["Scheduled", "Submitted", "Running", "Success"]);
    expect(linesOf(world, id)).toHaveLength(1);
  });

  it("keeps its end when it came after its log was read", async () => {
    const { id, jobName } = await runAtWork();
    world.kube.remove("jobs", "default", jobName);
    let isOver = false;
    const states = await sweepTwice(id, ({ fields }) => {
      if (isOver || !fields.includes("log")) return;
      isOver = true;
      world.prefect.setState(id, { type: "Success" });
    });
    expect(states).toEqual(["Scheduled", "Submitted", "Running", "Success"]);
  });
});
