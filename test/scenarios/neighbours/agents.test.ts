// Several agents in one namespace: each acts on its own runs, by its own settings; what an agent that is gone has left is
// adopted. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownerOf } from "../../../src/job/owner.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

const gpu = { name: "gpu", labels: ["gpu"] };
const cpu = { name: "cpu", labels: ["cpu"] };

/** Starts an agent and waits until it polls. */
async function started(...args: Parameters<World["start"]>): Promise<SimulatedAgent> {
  const agent = world.start(...args);
  await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
  return agent;
}

async function untilState(id: string, state: string, limitMs = MINUTE): Promise<void> {
  await world.time.until(() => world.state(id) === state, limitMs);
}

function ownerNames(id: string): (string | undefined)[] {
  return world.kube
    .list("jobs")
    .filter(({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id)
    .map(({ metadata }) => ownerOf({ annotations: metadata.annotations ?? {} })?.name);
}

describe("an agent beside others", () => {
  it("launches, reports and deletes only its own runs", async () => {
    await Promise.all([started(gpu), started(cpu)]);
    const ids = Array.from({ length: 20 }, (_, at) =>
      world.dueRun({ labels: [at % 2 === 0 ? "gpu" : "cpu"] }),
    );
    await world.time.until(() => ids.every((id) => world.state(id) === "Success"), MINUTE);
    await world.time.until(() => world.kube.list("jobs").length === 0, MINUTE);
    const created = world.kube.requests.entries.filter(
      ({ verb, resource }) => verb === "create" && resource === "jobs",
    );
    expect(created).toHaveLength(ids.length);
  });

  it("does not delete finished Jobs that another keeps with --disable-job-deletion", async () => {
    await started({ ...gpu, flags: { disableJobDeletion: true } });
    const id = world.dueRun({ labels: ["gpu"] });
    await untilState(id, "Success");
    await started(cpu);
    await world.time.pass(10 * MINUTE);
    expect(world.jobs(id)).toHaveLength(1);
  });

  it("does not report the failure of another's Job, although it sees it", async () => {
    await started(cpu);
    const other = await started(gpu);
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "fail", runMs: 30 * SECOND } });
    await untilState(id, "Running");
    other.process.pause();
    await world.time.pass(2 * MINUTE);
    expect(world.state(id)).toBe("Running");
    other.process.resume();
    await untilState(id, "Failed");
    expect(world.messages(id).filter((line) => line.includes("exited with code 1"))).toHaveLength(1);
  });

  it("does not recover the claims of one that is paused between claim and Job", async () => {
    const paused = await started(gpu);
    await started(cpu);
    let isPaused = false;
    world.kube.setOnRequest(({ verb, resource }) => {
      if (verb !== "create" || resource !== "jobs") return;
      paused.process.pause();
      isPaused = true;
    });
    const ids = Array.from({ length: 60 }, () => world.dueRun({ labels: ["gpu"] }));
    await world.time.until(() => isPaused, MINUTE);
    world.kube.setOnRequest(undefined);
    await world.time.pass(3 * MINUTE);
    expect(ids.some((id) => world.state(id) === "Submitted" && ownerNames(id).length === 0)).toBe(true);
    expect(ids.flatMap(ownerNames).filter((name) => name !== "gpu")).toEqual([]);
    paused.process.resume();
    await world.time.until(() => ids.every((id) => world.state(id) === "Success"), 3 * MINUTE);
    expect(world.createdJobs()).toHaveLength(ids.length);
  });
});

describe("an agent that is gone", () => {
  const orphan = async (): Promise<string> => {
    const gone = await started({ name: "old", labels: ["gpu"] });
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "fail", runMs: 8 * MINUTE } });
    await untilState(id, "Running");
    gone.process.kill();
    return id;
  };

  it("leaves its Jobs to one that could have claimed the run, after five minutes", async () => {
    const id = await orphan();
    await started({ name: "new", labels: ["gpu", "k8s"] });
    await world.time.pass(4 * MINUTE);
    expect(ownerNames(id)).toEqual(["old"]);
    await world.time.pass(2 * MINUTE);
    expect(ownerNames(id)).toEqual(["new"]);
    await untilState(id, "Failed", 5 * MINUTE);
    await world.time.until(() => world.jobs(id).length === 0, MINUTE);
  });

  it("leaves them to one of its name, whatever its labels", async () => {
    const id = await orphan();
    await started({ name: "old", labels: ["other"] });
    await world.time.pass(7 * MINUTE);
    expect(ownerNames(id)).toEqual(["old"]);
    await untilState(id, "Failed", 5 * MINUTE);
  });

  it("is reported by any agent after an hour, which deletes nothing", async () => {
    const id = await orphan();
    await started(cpu);
    await world.time.pass(30 * MINUTE);
    expect(world.state(id)).toBe("Running");
    await untilState(id, "Failed", 40 * MINUTE);
    await world.time.pass(30 * MINUTE);
    expect(world.jobs(id)).toHaveLength(1);
    expect(ownerNames(id)).toEqual(["old"]);
    expect(world.messages(id).filter((line) => line.includes("exited with code 1"))).toHaveLength(1);
  });

  it("leaves its claims to one that could have claimed the run, which builds the Job by its own settings", async () => {
    const gone = await started({ name: "old", labels: ["gpu"] });
    world.kube.setOnRequest(({ verb, resource }) => {
      if (verb === "create" && resource === "jobs") gone.process.kill();
    });
    world.network.server("http://kubernetes-0.test").isDown = true;
    const id = world.dueRun({ labels: ["gpu"] });
    await untilState(id, "Submitted");
    gone.process.kill();
    world.setDown("kubernetes", false);
    world.kube.setOnRequest(undefined);
    await started({ name: "new", labels: ["gpu"] });
    await world.time.pass(4 * MINUTE);
    expect(world.state(id)).toBe("Submitted");
    await untilState(id, "Success", 5 * MINUTE);
    expect(world.messages(id).filter((line) => line.startsWith("Submitted for execution"))).toHaveLength(1);
  });

  it("is not taken for gone during an outage of Prefect of ten minutes", async () => {
    await started(gpu);
    const other = await started({ name: "other", labels: ["gpu"] });
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "never" } });
    await untilState(id, "Running");
    const before = ownerNames(id);
    world.setDown("prefect", true);
    await world.time.pass(10 * MINUTE);
    world.setDown("prefect", false);
    await world.time.pass(30 * MINUTE);
    expect(ownerNames(id)).toEqual(before);
    expect(other.lines.filter((line) => line.includes("adopt"))).toEqual([]);
  });

  it("whose row was deleted registers again, and keeps its Jobs", async () => {
    const own = await started(gpu);
    await started({ name: "other", labels: ["gpu", "x"] });
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "fail", runMs: 20 * MINUTE } });
    await untilState(id, "Running");
    const owner = ownerNames(id);
    for (const row of world.prefect.agents().filter(({ name }) => name === owner[0]))
      world.prefect.deleteAgent(row.id);
    await world.time.pass(3 * MINUTE);
    expect(world.prefect.agents().map(({ name }) => name)).toContain(owner[0]);
    await world.time.pass(10 * MINUTE);
    expect(ownerNames(id)).toEqual(owner);
    await untilState(id, "Failed", 10 * MINUTE);
    expect(own.end()).toBeUndefined();
  });
});

describe("a new process of the same agent", () => {
  it("finishes claims, reports and deletions of the one before, whatever its host was called", async () => {
    const first = await started(gpu);
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "fail", runMs: 30 * SECOND } });
    await untilState(id, "Running");
    first.process.kill();
    await world.time.pass(MINUTE);
    await started(gpu);
    await untilState(id, "Failed", 30 * SECOND);
    await world.time.until(() => world.jobs(id).length === 0, 30 * SECOND);
    expect(world.messages(id).filter((line) => line.includes("exited with code 1"))).toHaveLength(1);
  });

  it("fails within two minutes a Running run whose Job vanished while no agent watched", async () => {
    const first = await started(gpu);
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "never" } });
    await untilState(id, "Running");
    first.process.kill();
    const [job = ""] = world.jobs(id);
    world.kube.remove("jobs", "default", job);
    await world.time.pass(5 * SECOND);
    const startedMs = world.time.nowMs;
    await started(gpu);
    await untilState(id, "Failed", 2 * MINUTE);
    expect(world.time.nowMs - startedMs).toBeLessThanOrEqual(2 * MINUTE);
    expect(world.messages(id).at(-1)).toMatch(/was deleted before it finished, while no agent was watching/);
  });

  it("does not fail a run whose task waits half an hour for its retry after its Job ended with 0", async () => {
    const first = await started(gpu);
    const id = world.dueRun({ labels: ["gpu"], script: { outcome: "succeed", runMs: 10 * SECOND } });
    await untilState(id, "Running");
    world.idleRuns.add(id);
    const at = new Date(world.time.nowMs + 30 * MINUTE).toISOString();
    const [task] = world.prefect.taskRuns(id);
    world.prefect.setTaskState(task?.id ?? "", { type: "Retrying", start_time: at, run_count: 1 });
    await world.time.until(() => world.jobs(id).length === 0, 5 * MINUTE);
    first.process.kill();
    await started(gpu);
    await world.time.pass(20 * MINUTE);
    expect(world.state(id)).toBe("Running");
    world.idleRuns.delete(id);
    await world.time.until(() => world.jobs(id).length === 1, 15 * MINUTE);
  });
});
