// Which runs are found, and when they start: labels, full pages, prefetch, --limit.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere, HereOptions } from "../support/agent-here.ts";
import { dueRun, eventually, onceEach, countsText, throughWith } from "../support/stories.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

let world: World;
let pod: "succeed" | "never";
const agents: AgentHere[] = [];

beforeEach(async () => {
  pod = "succeed";
  world = await startWorld({ script: () => pod });
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await world.stop();
});

async function start(options: HereOptions = {}): Promise<AgentHere> {
  const agent = await startAgentHere(world, options);
  agents.push(agent);
  return agent;
}

function fromNow(ms: number): Date {
  return new Date(Date.now() + ms);
}

describe("finding runs", () => {
  it("is not starved by older runs of other labels", async () => {
    for (let n = 0; n < 80; n++) dueRun(world, { labels: ["others"], startTime: fromNow(-60_000) });
    const id = dueRun(world, { labels: ["k8s"] });
    await start({ labels: ["k8s", "more"] });
    await throughWith(world, [id]);
    expect(world.kube.requests.count({ verb: "create", resource: "jobs" })).toBe(1);
  });

  it("leaves runs with labels to agents that have them, and runs without to agents without", async () => {
    const [bare, labelled] = [dueRun(world), dueRun(world, { labels: ["k8s"] })];
    await start({ labels: ["k8s"] });
    await throughWith(world, [labelled]);
    expect(world.jobsOf(bare)).toEqual([]);
    await start();
    await throughWith(world, [bare]);
    expect(countsText(world, [bare, labelled])).toEqual(onceEach([bare, labelled]));
  });

  it("follows full pages at once", async () => {
    const ids = Array.from({ length: 300 }, () => dueRun(world));
    await start();
    await throughWith(world, ids);
    expect(countsText(world, ids)).toEqual(onceEach(ids));
    expect(world.prefect.requests.count("set_flow_run_states")).toBeLessThan(30);
  });

  it("takes runs behind others that the queue hands out and nobody may launch", async () => {
    const resumed = dueRun(world);
    world.prefect.setState(resumed, { type: "Resume", start_time: fromNow(-60_000).toISOString() });
    const id = dueRun(world);
    await start({ settings: { limit: 1 } });
    await throughWith(world, [id]);
    expect(world.jobsOf(resumed)).toEqual([]);
  });
});

describe("a run that is found before its time", () => {
  it("starts at its time, not before", async () => {
    const startTime = fromNow(1_500);
    const id = dueRun(world, { startTime });
    await start();
    await throughWith(world, [id]);
    expect(world.jobsOf(id)[0]?.at.getTime()).toBeGreaterThanOrEqual(startTime.getTime());
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });

  it("does not start when it was cancelled meanwhile", async () => {
    const cancelled = dueRun(world, { startTime: fromNow(1_500) });
    const later = dueRun(world, { startTime: fromNow(1_600) });
    const agent = await start();
    await eventually(() => expect(agent.lines.join()).toContain("Waiting for flow runs"));
    await eventually(() => expect(world.prefect.requests.count("get_runs_in_queue")).toBeGreaterThan(1));
    world.prefect.setState(cancelled, { type: "Cancelled" });
    await throughWith(world, [later]);
    expect(world.jobsOf(cancelled)).toEqual([]);
    expect(world.prefect.flowRun(cancelled)?.state).toBe("Cancelled");
  });

  it("is left to the next agent when this one stops", async () => {
    const id = dueRun(world, { startTime: fromNow(1_500) });
    const first = await start();
    await eventually(() => expect(world.prefect.requests.count("get_runs_in_queue")).toBeGreaterThan(1));
    await first.stop();
    expect(world.prefect.flowRun(id)?.state).toBe("Scheduled");
    await start();
    await throughWith(world, [id]);
    expect(countsText(world, [id])).toEqual(onceEach([id]));
  });
});

describe("--limit", () => {
  it("counts the Jobs in the cluster, also those of the process before", async () => {
    pod = "never";
    const ids = [dueRun(world), dueRun(world), dueRun(world)];
    const jobs = (): number => ids.flatMap((id) => world.jobsOf(id)).length;
    const first = await start({ settings: { limit: 2 } });
    await eventually(() => expect(jobs()).toBe(2));
    await first.stop();
    const second = await start({ settings: { limit: 2 } });
    await eventually(() => expect(second.lines.join()).toContain("At the limit of live Jobs"));
    expect(jobs()).toBe(2);
    const [standing] = world.kube.list("jobs");
    world.kube.remove("jobs", "default", standing?.metadata.name ?? "");
    await eventually(() => expect(jobs()).toBe(3));
  });

  it("is not held up by Jobs that are over before the next poll", async () => {
    const ids = Array.from({ length: 6 }, () => dueRun(world));
    await start({ settings: { limit: 1 } });
    await throughWith(world, ids);
    expect(countsText(world, ids)).toEqual(onceEach(ids));
  });
});
