// One run that Prefect or Kubernetes will not take, and what becomes of the others beside it. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "../../fakes/kubernetes/failure.ts";
import type { FaultEffect } from "../../fakes/prefect1/faults.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

const isLaunched = (id: string): boolean => world.state(id) !== "Scheduled";

/** Claims of this run go wrong. */
function spoilClaimsOf(id: string, effect: FaultEffect): void {
  world.prefect.fault({
    effect,
    times: Number.POSITIVE_INFINITY,
    match: ({ fields, variables }) =>
      fields.includes("set_flow_run_states") && JSON.stringify(variables).includes(id),
  });
}

describe("a run whose claim fails", () => {
  it.each([
    { name: "with an error that may pass", effect: { kind: "api-error" } as const },
    { name: "without an answer", effect: { kind: "hang", when: "before" } as const },
  ])("$name holds up neither the polls nor the next runs", async ({ effect }) => {
    world.start();
    const bad = world.dueRun();
    spoilClaimsOf(bad, effect);
    await world.time.pass(2 * MINUTE);
    for (let count = 0; count < 6; count++) {
      const id = world.dueRun();
      await world.time.pass(20 * SECOND);
      expect(isLaunched(id)).toBe(true);
    }
  });

  it("for good does not hold up the claims of its batch, and is told once", async () => {
    const agent = world.start();
    await world.time.pass(20 * SECOND);
    const bad = world.dueRun();
    spoilClaimsOf(bad, { kind: "errors", message: "State payload is too large." });
    const good = Array.from({ length: 20 }, () => world.dueRun());
    await world.time.until(() => good.every((id) => world.state(id) === "Success"), 14 * SECOND);
    await world.time.pass(5 * MINUTE);
    expect(agent.lines.filter((line) => /ERROR.*Could not submit a flow run/.test(line))).toHaveLength(1);
  });
});

describe("claims that all fail", () => {
  it("are not piled up: other agents shall have what this one cannot take", async () => {
    const claimed = new Set<string>();
    world.prefect.fault({
      effect: { kind: "status", status: 503 },
      times: Number.POSITIVE_INFINITY,
      match: ({ fields, variables }) => {
        if (!fields.includes("set_flow_run_states")) return false;
        for (const [id] of JSON.stringify(variables).matchAll(/[\da-f-]{36}/g)) claimed.add(id);
        return true;
      },
    });
    const due = new Set(Array.from({ length: 1_200 }, () => world.dueRun()));
    world.start();
    await world.time.pass(2 * MINUTE);
    expect([...claimed].filter((id) => due.has(id)).length).toBeLessThan(500);
  });
});

describe("a line that Prefect refuses for the run's log", () => {
  beforeEach(() => {
    const effect = { kind: "errors", message: "log storage is full" } as const;
    world.prefect.fault({ match: "write_run_logs", times: Number.POSITIVE_INFINITY, effect });
  });

  it("does not hold up Failed for a Job that admission denies", async () => {
    const denied = new Failure('admission webhook "p" denied the request: no owner', {
      code: 403,
      reason: "Forbidden",
    });
    world.kube.setAdmission((resource) => (resource === "jobs" ? denied : undefined));
    const agent = world.start();
    const id = world.dueRun();
    await world.time.until(() => world.state(id) === "Failed", MINUTE);
    expect(agent.lines.join("\n")).toContain("Prefect refuses lines of a run's log");
  });

  it("does not make a Job that was created look like one that was not", async () => {
    const agent = world.start();
    const id = world.dueRun();
    await world.time.until(() => world.state(id) === "Success", MINUTE);
    expect(agent.lines.join("\n")).not.toContain("Could not submit");
  });
});

describe("a claim that waits for the batches before it", () => {
  it("is not sent for a run that was cancelled meanwhile, although Prefect Server has no versions", async () => {
    const effect = { kind: "delay", ms: 10 * SECOND } as const;
    world.prefect.fault({ match: "set_flow_run_states", times: 2, effect });
    const ids = Array.from({ length: 250 }, () => world.dueRun());
    world.start();
    await world.time.pass(5 * SECOND);
    for (const id of ids) world.prefect.setState(id, { type: "Cancelled" });
    await world.time.pass(2 * MINUTE);
    // Two requests with 100 claims each had been sent.
    expect(ids.filter((id) => world.state(id) === "Cancelled")).toHaveLength(50);
  });
});

describe("--limit", () => {
  it("is not used up by runs whose Job ended without a final state", async () => {
    world.start({ flags: { limit: "1" } });
    const idle = world.dueRun();
    world.idleRuns.add(idle);
    const ended = (): boolean =>
      world.messages(idle).some((line) => line.includes("completed with exit code 0"));
    await world.time.until(() => ended() && world.jobs(idle).length === 0, 5 * MINUTE);
    const next = world.dueRun();
    await world.time.pass(2 * MINUTE);
    expect(world.state(next)).toBe("Success");
  });

  it("holds for what an agent that is gone has left", async () => {
    const old = world.start({ name: "old" });
    await world.time.pass(20 * SECOND);
    const allow = world.kube.forbid({ verbs: ["create"], resources: ["jobs"] });
    const ids = Array.from({ length: 12 }, () =>
      world.dueRun({ script: { outcome: "succeed", runMs: 30 * SECOND } }),
    );
    await world.time.until(() => ids.some(isLaunched), MINUTE);
    for (const id of ids) if (!isLaunched(id)) world.prefect.setState(id, { type: "Cancelled" });
    old.process.kill();
    allow();
    world.start({ name: "new", flags: { limit: "2" } });
    let most = 0;
    const claimed = ids.filter((id) => world.state(id) !== "Cancelled");
    for (let second = 0; second < 15 * 60; second++) {
      await world.time.pass(SECOND);
      most = Math.max(most, world.kube.list("jobs").length);
    }
    expect(claimed.map((id) => world.state(id))).toEqual(claimed.map(() => "Success"));
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe("a run that is deleted while many wait for the quota", () => {
  it("takes no other's heartbeat, and waits no longer", async () => {
    const full = new Failure("jobs.batch is forbidden: exceeded quota: jobs", {
      code: 403,
      reason: "Forbidden",
    });
    world.kube.setAdmission((resource) => (resource === "jobs" ? full : undefined));
    const agent = world.start();
    await world.time.pass(20 * SECOND);
    const ids = Array.from({ length: 120 }, () => world.dueRun());
    await world.time.pass(MINUTE);
    const waiting = ids.filter((id) => world.state(id) === "Submitted");
    const [deleted = ""] = waiting;
    world.prefect.deleteFlowRun(deleted);
    for (let minute = 0; minute < 30; minute++) {
      await world.time.pass(MINUTE);
      expect(world.prefect.lazarus()).toEqual([]);
    }
    expect(agent.lines.filter((line) => line.includes("A periodic task failed")).length).toBeLessThan(5);
    world.kube.setAdmission(undefined);
    await world.time.until(() => waiting.slice(1).every((id) => world.state(id) === "Success"), 5 * MINUTE);
  });
});

describe("a run with thousands of task runs that are due", () => {
  it("is launched: its task runs are claimed in parts that Prefect takes", async () => {
    const flow = world.prefect.createFlow({
      name: "mapped",
      tasks: Array.from({ length: 450 }, (_, at) => ({ slug: `work-${at}`, maxRetries: 1 })),
    });
    const { id } = world.prefect.createFlowRun({ flow });
    world.prefect.setState(id, { type: "Running" });
    const due = new Date(world.time.nowMs).toISOString();
    for (const task of world.prefect.taskRuns(id))
      world.prefect.setTaskState(task.id, { type: "Retrying", start_time: due });
    world.start();
    await world.time.until(() => world.jobs(id).length === 1, 2 * MINUTE);
    expect(world.prefect.requests.count("set_task_run_states")).toBe(3);
  });
});
