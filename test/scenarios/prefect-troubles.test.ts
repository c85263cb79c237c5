// Troubles on Prefect's side: outages between its own services, rate limits, runs that nobody launches, long logs. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** What GraphQL's gateway says while Hasura is away (prefect#4738). */
const AWAY = {
  kind: "errors",
  message: "[Errno -2] Name or service not known",
  code: "INTERNAL_SERVER_ERROR",
} as const;
let world: World;

afterEach(() => world.close());

const postMortems = (id: string): readonly string[] =>
  world.messages(id).filter((line) => line.includes("out of memory"));

describe("an outage between Prefect's own services", () => {
  it("does not lose the post-mortem of a run that fails meanwhile", async () => {
    world = new World();
    world.start();
    const id = world.dueRun({ script: { outcome: "oom", runMs: 20 * SECOND } });
    await world.time.until(() => world.state(id) === "Running", MINUTE);
    const fault = world.prefect.fault({ match: "write_run_logs", times: Infinity, effect: AWAY });
    await world.time.until(() => fault.hits() >= 2, MINUTE);
    fault.remove();
    await world.time.until(() => world.state(id) === "Failed", 5 * MINUTE);
    expect(postMortems(id)).toHaveLength(1);
  });

  it("ends no agent whose key was refused once", async () => {
    world = new World();
    const agent = world.start();
    await world.time.pass(MINUTE);
    world.prefect.fault({ effect: { kind: "status", status: 403 }, times: 1 });
    world.prefect.fault({ nth: 2, times: Infinity, effect: AWAY });
    await world.time.pass(2 * MINUTE);
    expect(agent.end()).toBeUndefined();
  });

  it("ends no agent that starts", async () => {
    world = new World();
    world.prefect.fault({ times: Infinity, effect: AWAY });
    const agent = world.start();
    await world.time.pass(2 * MINUTE);
    expect(agent.end()).toBeUndefined();
  });
});

describe("a rate limit", () => {
  it.each([undefined, "60"])("is kept to while many runs fail: Retry-After %s", async (retryAfter) => {
    world = new World();
    world.start();
    await world.time.pass(20 * SECOND);
    const script = { outcome: "oom", runMs: 3 * MINUTE } as const;
    const ids = Array.from({ length: 100 }, () => world.dueRun({ script }));
    await world.time.until(() => ids.every((id) => world.state(id) === "Running"), 2 * MINUTE);
    const limit = { kind: "status", status: 429, ...(retryAfter !== undefined && { retryAfter }) } as const;
    const fault = world.prefect.fault({ times: Infinity, effect: limit });
    // What was on its way comes all the same.
    await world.time.pass(MINUTE);
    const before = fault.hits();
    await world.time.pass(5 * MINUTE);
    expect(fault.hits() - before).toBeLessThan(5 * 20);
    fault.remove();
    await world.time.until(() => ids.every((id) => world.state(id) === "Failed"), 10 * MINUTE);
  });
});

describe("a run's log of more than a thousand lines", () => {
  it("gets no line twice, however often the agent is started again", async () => {
    world = new World();
    const policy = { deleteFailedAfterMs: undefined };
    const first = world.start({ policy });
    const id = world.dueRun({ script: { outcome: "oom", runMs: 20 * SECOND } });
    await world.time.until(() => world.state(id) === "Running", MINUTE);
    for (let line = 0; line < 1_000; line++)
      world.prefect.writeLog(id, { name: "k8s-infra", level: "DEBUG", message: `Event ${line}` });
    await world.time.until(() => world.state(id) === "Failed", MINUTE);
    first.stop();
    for (let start = 0; start < 2; start++) {
      await world.time.pass(MINUTE);
      const next = world.start({ policy });
      await world.time.pass(2 * MINUTE);
      next.stop();
    }
    expect(postMortems(id)).toHaveLength(1);
  });
});

describe("a task that is due for its retry", () => {
  it("does not wait for a backlog that the agent's limit holds back", async () => {
    world = new World();
    const hourAgo = new Date(world.time.nowMs - 60 * MINUTE).toISOString();
    const flow = world.prefect.createFlow({ name: "retried", tasks: [{ slug: "work-1", maxRetries: 1 }] });
    const { id } = world.prefect.createFlowRun({ flow });
    world.prefect.setState(id, { type: "Running" });
    const [task] = world.prefect.taskRuns(id);
    world.prefect.setTaskState(task?.id ?? "", { type: "Retrying", start_time: hourAgo, run_count: 1 });
    for (let at = 0; at < 600; at++) world.dueRun({ script: { outcome: "succeed", runMs: MINUTE } });
    world.start({ flags: { limit: "2" } });
    const isLaunched = (): boolean =>
      world.messages(id).some((line) => line.startsWith("Submitted for execution"));
    await world.time.until(isLaunched, 5 * MINUTE);
    expect(isLaunched()).toBe(true);
  });
});

describe("hundreds of runs that nobody launches", () => {
  it.each(["Queued", "Paused"])("do not hide one that is Scheduled: %s", async (type) => {
    world = new World();
    const start_time = new Date(world.time.nowMs - 60 * MINUTE).toISOString();
    for (let at = 0; at < 300; at++) world.prefect.setState(world.dueRun(), { type, start_time });
    world.start();
    const id = world.dueRun();
    await world.time.until(() => world.state(id) === "Success", 5 * MINUTE);
    expect(world.createdJobs()).toHaveLength(1);
  });
});
