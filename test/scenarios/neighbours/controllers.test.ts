// What others do to the agent's Jobs, runs and connections: it neither fails a run that goes on nor forgets one that does not. In
// virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

afterEach(() => world.close());

const seconds = (ms: number): string => new Date(world.time.nowMs + ms).toISOString();

describe("a run that Prefect Cloud has Queued for a concurrency slot, and whose process waits in its pod", () => {
  async function queuedRun(outcome: "oom" | "fail" | "evict" | "never"): Promise<string> {
    world = new World({ prefect: { flavour: "cloud", versionLocking: true } });
    world.start({ backend: "cloud", apiKey: "key" });
    const id = world.dueRun({ script: { outcome, runMs: 3 * MINUTE } });
    world.idleRuns.add(id);
    const runs = (): boolean => world.kube.list("pods").some(({ status }) => status?.["phase"] === "Running");
    await world.time.until(runs, MINUTE);
    world.prefect.setState(id, { type: "Queued", start_time: seconds(10 * MINUTE) });
    return id;
  }

  it.each(["oom", "fail", "evict"] as const)("is Failed when its pod ends: %s", async (outcome) => {
    const id = await queuedRun(outcome);
    await world.time.until(() => world.state(id) === "Failed", 5 * MINUTE);
    expect(world.logs(id).filter(({ level }) => level === "ERROR")).toHaveLength(1);
  });

  it("is Failed when its Job is deleted", async () => {
    const id = await queuedRun("never");
    world.kube.remove("jobs", "default", world.jobs(id)[0] ?? "");
    await world.time.until(() => world.state(id) === "Failed", 2 * MINUTE);
    expect(world.messages(id).join("\n")).toContain("was deleted before it finished");
  });

  it("stays Queued while its process waits", async () => {
    const id = await queuedRun("never");
    await world.time.pass(30 * MINUTE);
    expect(world.state(id)).toBe("Queued");
  });
});

it("a task that a person resumes while the flow works elsewhere makes no second Job, until its process is silent", async () => {
  world = new World({ kube: { namespaces: ["b"] } });
  const first = world.start();
  const id = world.dueRun({ script: { outcome: "succeed", runMs: 20 * MINUTE } });
  await world.time.until(() => world.state(id) === "Running", MINUTE);
  world.start({ namespace: "b" });
  const [task] = world.prefect.taskRuns(id);
  world.prefect.setTaskState(task?.id ?? "", { type: "Resume", start_time: seconds(0) });
  await world.time.pass(2 * MINUTE);
  expect(world.createdJobs()).toHaveLength(1);
  first.process.kill();
  for (const name of world.jobs(id)) world.kube.remove("jobs", "default", name);
  await world.time.until(() => world.createdJobs().length === 2, 5 * MINUTE);
});

it("--limit counts Jobs whose annotation an admission policy has stripped", async () => {
  world = new World();
  world.kube.setAdmission((resource, { metadata }) => {
    if (resource === "jobs") delete (metadata as { annotations?: unknown }).annotations;
    return undefined;
  });
  world.start({ flags: { limit: "2" } });
  for (let at = 0; at < 10; at++) world.dueRun({ script: { outcome: "never" } });
  await world.time.pass(10 * MINUTE);
  expect(world.kube.list("jobs")).toHaveLength(2);
});

it("a run whose task waits for its retry goes on, although its completed Job goes while the watch is blind", async () => {
  world = new World();
  world.start();
  const id = world.dueRun({ script: { outcome: "succeed", runMs: MINUTE } });
  world.idleRuns.add(id);
  await world.time.pass(30 * SECOND);
  world.prefect.setState(id, { type: "Running" });
  const [task] = world.prefect.taskRuns(id);
  world.prefect.setTaskState(task?.id ?? "", {
    type: "Retrying",
    start_time: seconds(30 * MINUTE),
    run_count: 1,
  });
  world.setDown("kubernetes", true);
  world.kube.dropWatches();
  await world.time.pass(MINUTE);
  for (const name of world.jobs(id)) world.kube.remove("jobs", "default", name);
  world.kube.compact();
  world.setDown("kubernetes", false);
  await world.time.pass(10 * MINUTE);
  expect(world.state(id)).toBe("Running");
});

it("a load balancer that cuts idle watches is no outage, and delays nothing", async () => {
  world = new World({ kube: { bookmarkMs: 60 * MINUTE } });
  const agent = world.start();
  const id = world.dueRun({ script: { outcome: "fail", runMs: 30 * MINUTE } });
  await world.time.until(() => world.state(id) === "Running", MINUTE);
  const faults: unknown[] = [];
  for (let at = 0; at < 88; at++) {
    await world.time.pass(20 * SECOND);
    world.kube.dropWatches();
    faults.push(agent.notReady());
  }
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  expect(agent.lines.filter((line) => line.includes("Cannot reach"))).toEqual([]);
  const hasEnded = (): boolean =>
    world.kube.list("pods").some(({ status }) => status?.["phase"] === "Failed");
  await world.time.until(hasEnded, 2 * MINUTE);
  await world.time.pass(SECOND);
  expect(world.state(id)).toBe("Failed");
});

it("--pending-timeout does not fail a run whose pods are in another cluster, as with MultiKueue", async () => {
  world = new World({ kube: { controller: false } });
  world.start({ policy: { pendingTimeoutMs: 5 * MINUTE } });
  const id = world.dueRun();
  await world.time.until(() => world.jobs(id).length > 0, MINUTE);
  for (const job of world.kube.list("jobs"))
    world.kube.put("jobs", { ...job, status: { startTime: seconds(0), active: 1, ready: 1 } });
  world.prefect.setState(id, { type: "Running" });
  await world.time.pass(20 * MINUTE);
  expect(world.state(id)).toBe("Running");
});
