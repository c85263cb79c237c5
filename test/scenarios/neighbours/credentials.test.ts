// Credentials that an API refuses while the agent runs: what ends it, and what is ridden out. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KubeError } from "../../../src/kube/client/errors.ts";
import { PrefectError } from "../../../src/orchestrator/errors.ts";
import { World } from "../../simulation/world.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;
let agent: SimulatedAgent;

beforeEach(async () => {
  world = new World();
  agent = world.start();
  await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
});

afterEach(() => world.close());

/** From now on Prefect answers with this status, to all requests or to one operation; the answer ends it. */
function prefectAnswers(status: number, operation?: string): () => void {
  const fault = world.prefect.fault({
    effect: { kind: "status", status },
    times: Number.POSITIVE_INFINITY,
    ...(operation === undefined ? {} : { match: operation }),
  });
  return () => fault.remove();
}

/** From now on Kubernetes answers every request with this status, and its watches end; the answer ends it. */
function kubernetesAnswers(status: number): () => void {
  const fault = world.kube.fault({
    effect: { kind: "status", status, message: "refused" },
    times: Number.POSITIVE_INFINITY,
  });
  world.kube.dropWatches();
  return () => fault.remove();
}

async function runsAFlow(): Promise<void> {
  const id = world.dueRun();
  await world.time.until(() => world.state(id) === "Success", 2 * MINUTE);
}

describe("a Prefect API that refuses the key", () => {
  it.each([401, 403])("with %d ends the agent after a minute, with Prefect's error", async (status) => {
    prefectAnswers(status);
    await world.time.pass(55 * SECOND);
    expect(agent.end()).toBeUndefined();
    await world.time.until(() => agent.end() !== undefined, 30 * SECOND);
    const error = agent.end()?.error;
    expect(error).toBeInstanceOf(PrefectError);
    expect(error).toMatchObject({ exitCode: 3, hint: expect.stringMatching(/API key/) as unknown });
  });

  it("for 40 s is ridden out", async () => {
    const mend = prefectAnswers(401);
    await world.time.pass(40 * SECOND);
    mend();
    await world.time.pass(5 * MINUTE);
    expect(agent.end()).toBeUndefined();
    await runsAFlow();
  });

  it("now and then, or is away in between, is ridden out", async () => {
    for (let turn = 0; turn < 5; turn++) {
      const mend = prefectAnswers(401);
      await world.time.pass(40 * SECOND);
      mend();
      const back = prefectAnswers(503);
      await world.time.pass(20 * SECOND);
      back();
    }
    await world.time.pass(MINUTE);
    expect(agent.end()).toBeUndefined();
    await runsAFlow();
  });

  it("for one kind of call only concerns that call", async () => {
    const mend = prefectAnswers(403, "set_flow_run_states");
    const id = world.dueRun();
    await world.time.pass(10 * MINUTE);
    expect(agent.end()).toBeUndefined();
    mend();
    await world.time.until(() => world.state(id) === "Success", 2 * MINUTE);
  });
});

describe("a cluster that refuses the credentials", () => {
  it("ends the agent after a minute, with its error", async () => {
    kubernetesAnswers(401);
    await world.time.pass(55 * SECOND);
    expect(agent.end()).toBeUndefined();
    await world.time.until(() => agent.end() !== undefined, 30 * SECOND);
    const error = agent.end()?.error;
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({
      exitCode: 4,
      status: 401,
      hint: expect.stringMatching(/^log in/) as unknown,
    });
  });

  it("for 40 s is ridden out", async () => {
    const mend = kubernetesAnswers(401);
    await world.time.pass(40 * SECOND);
    mend();
    await world.time.pass(5 * MINUTE);
    expect(agent.end()).toBeUndefined();
    await runsAFlow();
  });

  it("for want of permissions is ridden out for hours, with few lines in the log", async () => {
    const fault = world.kube.fault({
      effect: { kind: "status", status: 403, message: "jobs.batch is forbidden" },
      times: Number.POSITIVE_INFINITY,
    });
    world.kube.dropWatches();
    const before = agent.lines.filter((line) => /WARNING|ERROR/.test(line)).length;
    await world.time.pass(60 * MINUTE);
    expect(agent.end()).toBeUndefined();
    expect(agent.lines.filter((line) => /WARNING|ERROR/.test(line)).length - before).toBeLessThan(10);
    fault.remove();
    await runsAFlow();
  });
});

describe("an agent that leads again", () => {
  it("rides out a registration that is refused once", async () => {
    const leader = world.start({ name: "leader", flags: { leaderElect: true } });
    const elections = (): number => leader.lines.filter((line) => line.includes("Became the leader")).length;
    await world.time.until(() => elections() === 1, MINUTE);
    const allow = world.kube.forbid({ verbs: ["update"], resources: ["leases"] });
    await world.time.until(() => leader.lines.some((line) => line.includes("Lost leadership")), MINUTE);
    world.prefect.fault({ effect: { kind: "status", status: 403 }, match: "register_agent" });
    allow();
    await world.time.until(() => elections() === 2, MINUTE);
    await world.time.pass(5 * MINUTE);
    expect(leader.end()).toBeUndefined();
    await runsAFlow();
  });
});
