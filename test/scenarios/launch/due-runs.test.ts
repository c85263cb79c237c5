// Which due runs an agent finds: labels, full pages, --limit.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent, InProcessOptions } from "../support/in-process-agent.ts";
import { dueRun, eventually, launchedOnce, launchCounts, untilSucceeded } from "../support/flow-runs.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";

let fakes: Fakes;
let pod: "succeed" | "never";
const agents: InProcessAgent[] = [];

beforeEach(async () => {
  pod = "succeed";
  fakes = await startFakes({ script: () => pod });
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await fakes.stop();
});

async function start(options: InProcessOptions = {}): Promise<InProcessAgent> {
  const agent = await startInProcessAgent(fakes, options);
  agents.push(agent);
  return agent;
}

function fromNow(ms: number): Date {
  return new Date(Date.now() + ms);
}

describe("an agent that looks for due runs", () => {
  it("finds its runs behind older runs with other labels", async () => {
    for (let n = 0; n < 80; n++) dueRun(fakes, { labels: ["others"], startTime: fromNow(-60_000) });
    const id = dueRun(fakes, { labels: ["k8s"] });
    await start({ labels: ["k8s", "more"] });
    await untilSucceeded(fakes, [id]);
    expect(fakes.kube.requests.count({ verb: "create", resource: "jobs" })).toBe(1);
  });

  it("launches runs whose labels it has; an agent without labels launches runs without labels", async () => {
    const [bare, labelled] = [dueRun(fakes), dueRun(fakes, { labels: ["k8s"] })];
    await start({ labels: ["k8s"] });
    await untilSucceeded(fakes, [labelled]);
    expect(fakes.jobsOf(bare)).toEqual([]);
    await start();
    await untilSucceeded(fakes, [bare]);
    expect(launchCounts(fakes, [bare, labelled])).toEqual(launchedOnce([bare, labelled]));
  });

  it("fetches the next page at once after a full page", async () => {
    const ids = Array.from({ length: 300 }, () => dueRun(fakes));
    await start();
    await untilSucceeded(fakes, ids);
    expect(launchCounts(fakes, ids)).toEqual(launchedOnce(ids));
    expect(fakes.prefect.requests.count("set_flow_run_states")).toBeLessThan(30);
  });

  it("finds runs behind queued runs that it must not launch", async () => {
    const resumed = dueRun(fakes);
    fakes.prefect.setState(resumed, { type: "Resume", start_time: fromNow(-60_000).toISOString() });
    const id = dueRun(fakes);
    await start({ flags: { limit: "1" } });
    await untilSucceeded(fakes, [id]);
    expect(fakes.jobsOf(resumed)).toEqual([]);
  });
});

describe("--limit", () => {
  it("counts live Jobs in the cluster, including those of the previous process", async () => {
    pod = "never";
    const ids = [dueRun(fakes), dueRun(fakes), dueRun(fakes)];
    const jobs = (): number => ids.flatMap((id) => fakes.jobsOf(id)).length;
    const first = await start({ flags: { limit: "2" } });
    await eventually(() => expect(jobs()).toBe(2));
    await first.stop();
    const second = await start({ flags: { limit: "2" } });
    await eventually(() => expect(second.lines.join()).toContain("Claiming no flow runs now"));
    expect(jobs()).toBe(2);
    const [oldest] = fakes.kube.list("jobs");
    fakes.kube.remove("jobs", "default", oldest?.metadata.name ?? "");
    await eventually(() => expect(jobs()).toBe(3));
  });

  it("does not delay runs because of Jobs that have finished before the next poll", async () => {
    const ids = Array.from({ length: 6 }, () => dueRun(fakes));
    await start({ flags: { limit: "1" } });
    await untilSucceeded(fakes, ids);
    expect(launchCounts(fakes, ids)).toEqual(launchedOnce(ids));
  });
});
