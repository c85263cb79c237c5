// Prefect or Kubernetes away for a while in the middle of a submission.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere } from "../support/agent-here.ts";
import { dueRun, eventually, linesOf, onceEach, countsText, throughWith } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

let world: World;
let agent: AgentHere;

beforeEach(async () => {
  world = await startWorld();
  agent = await startAgentHere(world);
});

afterEach(async () => {
  await agent.stop();
  await world.stop();
});

describe("an outage of Prefect", () => {
  it.each(["set_flow_run_states", "write_run_logs"])("during %s is ridden out", async (field) => {
    const fault = world.prefect.fault({ effect: { kind: "status", status: 503 }, match: field, times: 4 });
    const id = dueRun(world);
    agent.poke();
    await throughWith(world, [id]);
    await eventually(() => expect(linesOf(world, id)).toHaveLength(1));
    expect(fault.hits()).toBe(4);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });

  it("in which everything is gone is ridden out", async () => {
    const id = dueRun(world);
    let gone: Promise<void> | undefined;
    const forget = world.prefect.onRequest(({ fields }, when) => {
      if (when === "after" && fields.includes("set_flow_run_states") && gone === undefined) {
        gone = world.prefect.pause();
      }
    });
    agent.poke();
    await eventually(() => expect(gone).toBeDefined());
    forget();
    await gone;
    await eventually(() => expect(agent.lines.join("\n")).toMatch(/trying again[^]*trying again/));
    await world.prefect.resume();
    await throughWith(world, [id]);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });

  it("that names the time of its end is not disturbed before", async () => {
    world.prefect.fault({
      effect: { kind: "status", status: 429, retryAfter: "1" },
      match: "set_flow_run_states",
    });
    const ids = [dueRun(world), dueRun(world), dueRun(world)];
    agent.poke();
    await throughWith(world, ids);
    const claims = world.prefect.requests.entries("set_flow_run_states");
    const headered = claims.filter(({ headers }) => headers["x-prefect-agent-id"] !== undefined);
    const [refused, next] = headered;
    expect(refused?.status).toBe(429);
    expect((next?.at.getTime() ?? 0) - (refused?.at.getTime() ?? 0)).toBeGreaterThanOrEqual(990);
    expect(countsText(world, ids)).toEqual(onceEach(ids));
  });

  it("does not fail a run whose Job stands when only its log line is refused", async () => {
    world.prefect.fault({
      effect: { kind: "errors", message: "no more logs" },
      match: "write_run_logs",
      times: Number.POSITIVE_INFINITY,
    });
    const id = dueRun(world);
    agent.poke();
    await throughWith(world, [id]);
    expect(world.prefect.history(id).map(({ type }) => type)).toEqual([
      "Scheduled",
      "Submitted",
      "Running",
      "Success",
    ]);
  });
});

describe("an outage of Kubernetes", () => {
  it("while the Job is created is ridden out, and nobody is failed", async () => {
    world.kube.faults.add({
      action: { kind: "answer", status: 503 },
      match: ({ verb, resource }) => verb === "create" && resource === "jobs",
      times: 4,
    });
    const id = dueRun(world);
    agent.poke();
    await throughWith(world, [id]);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });
});
