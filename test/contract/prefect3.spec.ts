// What we rely on of the REST API of Prefect 3, as requests and answers. Run against the fake (prefect3-fake.test.ts) and against a
// real server (test/e2e/prefect3-real.contract.test.ts); where they differ, the real server is right.

import { beforeAll, describe, expect, it } from "vitest";
import { arrayIn, objectIn, textIn, type JsonObject } from "../../src/base/json.ts";

export interface ContractRun {
  readonly name: string;
  readonly type: string;
  readonly stateName?: string;
  /** When it is due, if it is scheduled; default at once. */
  readonly dueAt?: Date;
  readonly pool?: string;
  /** The id of the run in whose process it runs. */
  readonly parent?: string;
  readonly pid?: string;
}

/** An API that has nothing yet, and what it has afterwards. */
export interface Prefect3World {
  /** Ends with /api. */
  readonly url: string;
  /** Adds a work pool with the queue `default` and a worker that is online. */
  addPool(name: string, type: string): Promise<void>;
  pausePool(name: string): Promise<void>;
  /** Adds a flow run; returns its id. */
  addRun(run: ContractRun): Promise<string>;
  addLog(
    flowRunId: string,
    line: { readonly level: number; readonly message: string; readonly timestamp: string },
  ): Promise<void>;
}

interface Setup {
  readonly world: Prefect3World;
  readonly ids: ReadonlyMap<string, string>;
  /** Answers to POST. */
  readonly post: (
    path: string,
    body?: JsonObject,
  ) => Promise<{ readonly status: number; readonly body: unknown }>;
  readonly names: (query: JsonObject) => Promise<readonly unknown[]>;
}

const HOUR_MS = 3_600_000;
const UNKNOWN = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a";
/** In the order in which they are added. */
const RUNS: readonly ContractRun[] = [
  { name: "due", type: "SCHEDULED", pool: "k8s" },
  { name: "later", type: "SCHEDULED", pool: "k8s", dueAt: new Date(Date.now() + HOUR_MS) },
  { name: "running", type: "RUNNING", pool: "k8s", pid: "flows:running-x1y2z" },
  { name: "first", type: "COMPLETED", pool: "k8s" },
  { name: "second", type: "FAILED", pool: "k8s" },
  { name: "by-process", type: "RUNNING", pool: "mine" },
  { name: "local", type: "RUNNING" },
];

/** Declares the contract's tests for a server. */
export function prefect3Contract(name: string, start: () => Promise<Prefect3World>): void {
  describe(`${name} as Prefect 3's API`, () => {
    let setup: Setup;
    beforeAll(async () => {
      setup = await fill(await start());
    });
    const get = (): Setup => setup;
    describe("flow runs", () => {
      filterContract(get);
    });
    describe("pages", () => {
      pageContract(get);
    });
    describe("logs", () => {
      logContract(get);
    });
    describe("work pools", () => {
      poolContract(get);
    });
    // Last: it changes the runs.
    describe("states", () => {
      stateContract(get);
    });
  });
}

async function fill(world: Prefect3World): Promise<Setup> {
  await world.addPool("k8s", "kubernetes");
  await world.addPool("mine", "process");
  const ids = new Map<string, string>();
  for (const run of RUNS) ids.set(run.name, await world.addRun(run));
  const parent = ids.get("running") ?? "";
  ids.set("child", await world.addRun({ name: "child", type: "RUNNING", parent }));
  const post: Setup["post"] = async (path, body = {}) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(world.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
  const names: Setup["names"] = async (query) =>
    arrayIn((await post("/flow_runs/filter", query)).body).map((row) => objectIn(row)["name"]);
  return { world, ids, post, names };
}

function filterContract(get: () => Setup): void {
  const inState = (...types: readonly string[]) => ({ flow_runs: { state: { type: { any_: types } } } });

  it("shows a run's state, pool and process", async () => {
    const { post, ids } = get();
    const { status, body } = await post("/flow_runs/filter", { flow_runs: { name: { any_: ["running"] } } });
    expect(status).toBe(200);
    expect(body).toEqual([
      expect.objectContaining({
        id: ids.get("running"),
        name: "running",
        state_type: "RUNNING",
        state_name: "Running",
        state: expect.objectContaining({
          type: "RUNNING",
          name: "Running",
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        }),
        work_pool_name: "k8s",
        work_queue_name: "default",
        work_queue_id: expect.any(String),
        deployment_id: expect.any(String),
        infrastructure_pid: "flows:running-x1y2z",
      }),
    ]);
  });

  it("selects by id, and leaves out what is unknown", async () => {
    const { names, ids } = get();
    expect(await names({ flow_runs: { id: { any_: [ids.get("due"), UNKNOWN] } } })).toEqual(["due"]);
  });

  it("selects by the type of the state and that of the pool", async () => {
    const { names } = get();
    expect((await names(inState("RUNNING"))).length).toBe(4);
    const pools = { work_pools: { type: { any_: ["kubernetes"] } } };
    expect(await names({ ...inState("RUNNING"), ...pools })).toEqual(["running"]);
  });

  it("selects what is due of deployments", async () => {
    const { names } = get();
    const due = {
      state: { type: { any_: ["SCHEDULED"] } },
      next_scheduled_start_time: { before_: new Date(Date.now() + 60_000).toISOString() },
      deployment_id: { is_null_: false },
    };
    expect(await names({ flow_runs: due, sort: "NEXT_SCHEDULED_START_TIME_ASC" })).toEqual(["due"]);
  });

  it("sorts by the time of the end, the last one first", async () => {
    const query = { ...inState("COMPLETED", "FAILED"), sort: "END_TIME_DESC" };
    expect(await get().names(query)).toEqual(["second", "first"]);
  });

  it("finds the parent of a subflow by the task that stands for it", async () => {
    const { names, post, ids } = get();
    const { body } = await post("/flow_runs/filter", { flow_runs: { id: { any_: [ids.get("child")] } } });
    const { parent_task_run_id: task, deployment_id: deployment } = objectIn(arrayIn(body)[0]);
    expect(textIn(deployment)).toBeUndefined();
    expect(await names({ task_runs: { id: { any_: [task] } } })).toEqual(["running"]);
  });

  it("counts, all of them and those of a filter", async () => {
    const { post } = get();
    expect((await post("/flow_runs/count")).body).toBe(RUNS.length + 1);
    const of = { ...inState("PENDING", "RUNNING"), work_pools: { name: { any_: ["k8s"] } } };
    expect((await post("/flow_runs/count", of)).body).toBe(1);
    const [row] = arrayIn(
      (await post("/flow_runs/filter", { flow_runs: { name: { any_: ["running"] } } })).body,
    );
    const inQueue = async (id: unknown): Promise<unknown> =>
      (await post("/flow_runs/count", { ...of, work_pool_queues: { id: { any_: [id] } } })).body;
    expect(await inQueue(objectIn(row)["work_queue_id"])).toBe(1);
    expect(await inQueue(UNKNOWN)).toBe(0);
  });
}

function pageContract(get: () => Setup): void {
  it("are in the order of ids, the greatest first", async () => {
    const { post, ids } = get();
    const page = async (offset: number): Promise<readonly unknown[]> =>
      arrayIn((await post("/flow_runs/filter", { sort: "ID_DESC", offset, limit: 3 })).body);
    const pages = [...(await page(0)), ...(await page(3)), ...(await page(6)), ...(await page(9))];
    const greatestFirst = [...ids.values()].sort((left, right) => (left < right ? 1 : -1));
    expect(pages.map((row) => objectIn(row)["id"])).toEqual(greatestFirst);
  });

  it("have a largest size, which the refusal of a larger one tells", async () => {
    const { status, body } = await get().post("/flow_runs/filter", { limit: 201 });
    expect([status, body]).toEqual([422, { detail: "Invalid limit: must be less than or equal to 200." }]);
  });

  it("of nothing are refused", async () => {
    expect(await get().post("/nothing/filter")).toEqual({ status: 404, body: { detail: "Not Found" } });
  });
}

function logContract(get: () => Setup): void {
  it("are selected by run, level and time, in both orders, by pages", async () => {
    const { world, ids, post } = get();
    const id = ids.get("running") ?? "";
    for (const [second, level] of [20, 40, 20, 50].entries()) {
      const timestamp = `2026-11-21T03:04:0${second}.500000Z`;
      await world.addLog(id, { level, message: `line ${second}`, timestamp });
    }
    const lines = async (logs: JsonObject, more: JsonObject = {}): Promise<readonly unknown[]> => {
      const query = { logs: { flow_run_id: { any_: [id] }, ...logs }, sort: "TIMESTAMP_ASC", ...more };
      return arrayIn((await post("/logs/filter", query)).body).map((row) => objectIn(row)["message"]);
    };
    expect(await lines({})).toEqual(["line 0", "line 1", "line 2", "line 3"]);
    expect(await lines({ level: { ge_: 40 } })).toEqual(["line 1", "line 3"]);
    expect(await lines({}, { sort: "TIMESTAMP_DESC", limit: 2 })).toEqual(["line 3", "line 2"]);
    expect(await lines({}, { offset: 3, limit: 2 })).toEqual(["line 3"]);
    expect(await lines({ timestamp: { after_: "2026-11-21T03:04:02Z" } })).toEqual(["line 2", "line 3"]);
    expect(await lines({ flow_run_id: { any_: [UNKNOWN] } })).toEqual([]);
  });
}

function poolContract(get: () => Setup): void {
  const pool = async (name: string): Promise<JsonObject> => {
    const { body } = await get().post("/work_pools/filter", { work_pools: { name: { any_: [name] } } });
    expect(arrayIn(body).length).toBeLessThan(2);
    return objectIn(arrayIn(body)[0]);
  };

  it("show their type and whether they are paused", async () => {
    expect(await pool("mine")).toMatchObject({ name: "mine", type: "process", is_paused: false });
    expect(await pool("nothing")).toEqual({});
    await get().world.pausePool("k8s");
    expect(await pool("k8s")).toMatchObject({ type: "kubernetes", is_paused: true });
  });

  it("have workers, with the time of their last heartbeat", async () => {
    const { status, body } = await get().post("/work_pools/k8s/workers/filter");
    const heartbeat = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const worker = { name: "w1", last_heartbeat_time: heartbeat, heartbeat_interval_seconds: 30 };
    expect([status, body]).toEqual([200, [expect.objectContaining(worker)]]);
    expect(await get().post("/work_pools/nothing/workers/filter")).toEqual({
      status: 404,
      body: { detail: 'Work pool "nothing" not found.' },
    });
  });

  it("have queues, which a run names by id", async () => {
    const { post } = get();
    const { body: runs } = await post("/flow_runs/filter", { flow_runs: { name: { any_: ["due"] } } });
    const { work_queue_id: id } = objectIn(arrayIn(runs)[0]);
    const { body } = await post("/work_queues/filter", { work_queues: { id: { any_: [id] } } });
    expect(body).toEqual([expect.objectContaining({ id, name: "default", is_paused: false })]);
    expect((await post("/work_queues/filter", { work_queues: { id: { any_: [UNKNOWN] } } })).body).toEqual(
      [],
    );
  });
}

function stateContract(get: () => Setup): void {
  it.each([
    { of: "a run with a process", type: "RUNNING", to: "CANCELLING", want: "ACCEPT CANCELLING" },
    { of: "a run without one", type: "SCHEDULED", to: "CANCELLING", want: "REJECT CANCELLED" },
    {
      of: "a scheduled run with one",
      type: "SCHEDULED",
      pid: "a:b",
      to: "CANCELLING",
      want: "ACCEPT CANCELLING",
    },
    {
      of: "a resuming run",
      type: "SCHEDULED",
      name: "Resuming",
      pid: "a:b",
      to: "CANCELLING",
      want: "REJECT CANCELLED",
    },
    {
      of: "a suspended run",
      type: "PAUSED",
      name: "Suspended",
      pid: "a:b",
      to: "CANCELLING",
      want: "REJECT CANCELLED",
    },
    { of: "a run that has ended", type: "COMPLETED", to: "CANCELLING", want: "ABORT COMPLETED" },
    { of: "a cancelling run", type: "CANCELLING", to: "CANCELLED", force: true, want: "ACCEPT CANCELLED" },
    { of: "a pending run", type: "PENDING", to: "CANCELLING", want: "ACCEPT CANCELLING" },
  ])("of $of → $to is answered $want", async ({ type, name: stateName, pid, to, force = false, want }) => {
    const { world, post } = get();
    const more = { ...(stateName && { stateName }), ...(pid && { pid }) };
    const id = await world.addRun({ name: `to-${to}`, type, pool: "k8s", ...more });
    const state = { type: to, message: "why" };
    const { status, body } = await post(`/flow_runs/${id}/set_state`, { state, force });
    expect(status).toBeLessThan(300);
    const { status: answer, state: set } = objectIn(body);
    expect(`${String(answer)} ${String(objectIn(set)["type"])}`).toBe(want);
  });

  it("of an unknown run are refused", async () => {
    expect(await get().post(`/flow_runs/${UNKNOWN}/set_state`, { state: { type: "CANCELLED" } })).toEqual({
      status: 404,
      body: { exception_message: `Flow run with id ${UNKNOWN} not found` },
    });
  });
}
