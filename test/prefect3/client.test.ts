import { describe, expect, it, onTestFinished } from "vitest";
import { connectPrefect3 } from "../../src/prefect3/connect.ts";
import type { Prefect3Target } from "../../src/prefect3/connect.ts";
import { findFlowRuns } from "../../src/prefect3/find-runs.ts";
import type { Prefect3Client } from "../../src/prefect3/client.ts";
import { isActive, isFinished } from "../../src/orchestrator/flow-run.ts";
import { runStateIn } from "../../src/prefect3/states.ts";
import { fakePrefect3, runId } from "../inventory/reading-world.ts";

function connected(target: Prefect3Target): Prefect3Client {
  const api = connectPrefect3(target, {}, 2_000);
  onTestFinished(() => api.close());
  return api;
}

describe("runStateIn", () => {
  it.each([
    { type: "SCHEDULED", is: "scheduled", over: false, active: false },
    { type: "PENDING", is: "pending", over: false, active: true },
    { type: "RUNNING", is: "running", over: false, active: true },
    { type: "PAUSED", is: "paused", over: false, active: false },
    { type: "CANCELLING", is: "cancelling", over: false, active: false },
    { type: "COMPLETED", is: "completed", over: true, active: false },
    { type: "FAILED", is: "failed", over: true, active: false },
    { type: "CRASHED", is: "crashed", over: true, active: false },
    { type: "CANCELLED", is: "cancelled", over: true, active: false },
  ] as const)("reads $type as $is", ({ type, is, over, active }) => {
    const state = runStateIn({ state: { type } });
    expect({ over: isFinished(state.type), active: isActive(state.type) }).toEqual({ over, active });
    expect(state.type).toBe(is);
    expect(state.name.toUpperCase()).toBe(type);
  });

  it("keeps the name that Prefect gave the state, its message and its time", () => {
    const timestamp = "2026-11-21T03:04:05.000Z";
    const state = runStateIn({ state: { type: "SCHEDULED", name: "Late", message: "why", timestamp } });
    expect(state).toMatchObject({ name: "Late", message: "why", since: new Date(timestamp) });
  });

  it("takes a type that it does not know for one that is not over", () => {
    expect(isFinished(runStateIn({ state: { type: "SUSPENDED" } }).type)).toBe(false);
  });
});

describe("Prefect3Client", () => {
  it.each([
    { as: { apiKey: "pnu_1", authString: "admin:pass" }, sends: "Bearer pnu_1" },
    { as: { authString: "admin:pass" }, sends: "Basic YWRtaW46cGFzcw==" },
    { as: {}, sends: undefined },
  ])("sends $sends", async ({ as, sends }) => {
    const { url, calls } = await fakePrefect3(() => ({ body: [] }));
    const found = await connected({ url: `${url}/`, ...as }).flowRuns([runId(1)]);
    expect(found.size).toBe(0);
    expect(calls.map(({ path, authorization }) => ({ path, authorization }))).toEqual([
      { path: "/api/flow_runs/filter", authorization: sends },
    ]);
  });

  it("sets a state, and tells what became of it", async () => {
    const { url, calls } = await fakePrefect3(() => ({ body: { status: "ACCEPT" } }));
    const api = connected({ url });
    expect(await api.setState(runId(1), { type: "CANCELLING" })).toBe("ACCEPT");
    expect(calls).toMatchObject([
      {
        path: `/api/flow_runs/${runId(1)}/set_state`,
        body: { state: { type: "CANCELLING", message: null }, force: false },
      },
    ]);
  });

  it.each([
    { status: 401, body: {}, failure: "unauthorized" },
    { status: 404, body: {}, failure: "refused" },
    { status: 503, body: {}, failure: "overloaded" },
    { status: 200, body: "<html>", failure: "unreadable" },
  ])("calls an answer of $status $failure", async ({ status, body, failure }) => {
    const { url } = await fakePrefect3(() => ({ status, body }));
    const api = connected({ url, apiKey: "pnu_secret" });
    const error = await api.flowRuns([runId(1)]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure, exitCode: 3 });
    expect(String(error)).not.toContain("pnu_secret");
  });

  it("refuses what is no address", () => {
    expect(() => connectPrefect3({ url: "localhost" }, {}, 1)).toThrow(/not an http\(s\) URL/);
  });
});

describe("findFlowRuns", () => {
  /** 3,000 runs, whose ids begin with all kinds of digits. */
  const ids = Array.from({ length: 3_000 }, (_, at) => {
    const digits = ((at * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, "0");
    return `${digits}-0000-7000-8000-${at.toString(16).padStart(12, "0")}`;
  });
  const run = (id: string, name = "one") => ({ id, name, state: { type: "RUNNING" } });

  /** As the real server: ids from the greatest down, pages by offset. */
  async function finder(known: readonly string[]) {
    const sorted = known.toSorted().reverse();
    const { url, calls } = await fakePrefect3(({ path, body }) => {
      if (path === "/api/flow_runs/count") return { body: known.length };
      const {
        sort,
        offset,
        limit,
        flow_runs: filter,
      } = body as {
        sort?: string;
        offset?: number;
        limit: number;
        flow_runs?: { name?: { any_: string[] }; id?: { any_: string[] } };
      };
      if (filter?.name !== undefined)
        return { body: filter.name.any_.includes("quick-fox") ? [run(known[0] ?? "", "quick-fox")] : [] };
      if (filter?.id !== undefined) return { body: filter.id.any_.map((id) => run(id)) };
      if (sort !== "ID_DESC" || offset === undefined) return { status: 422, body: {} };
      return { body: sorted.slice(offset, offset + limit).map((id) => run(id)) };
    });
    return { api: connected({ url }), calls };
  }

  it.each([
    { where: "first", of: ids.toSorted()[0] },
    { where: "last", of: ids.toSorted().at(-1) },
    { where: "in between", of: ids[1_234] },
  ])("finds the run whose id begins so, and asks for few of the others: $where", async ({ of = "" }) => {
    const { api, calls } = await finder(ids);
    const idPrefix = of.slice(0, 8);
    const found = await findFlowRuns(api, { name: idPrefix, idPrefix, limit: 10 });
    expect(found.map(({ id }) => id)).toEqual([of]);
    expect(calls.length).toBeLessThan(20);
  });

  it("finds all that begin so, up to the limit", async () => {
    const alike = Array.from({ length: 15 }, (_, at) => `abcdef01-0000-7000-8000-0000000000${10 + at}`);
    const { api } = await finder([...ids, ...alike]);
    const found = await findFlowRuns(api, { name: "abcdef01", idPrefix: "abcdef01", limit: 10 });
    expect(found).toHaveLength(10);
    expect(found.every(({ id }) => alike.includes(id))).toBe(true);
  });

  it.each([
    { given: "no run begins so", known: ids, idPrefix: "00000000-0000-7000-8000-ffff" },
    { given: "there is none at all", known: [], idPrefix: "abcdef01" },
  ])("finds nothing where $given", async ({ known, idPrefix }) => {
    const { api } = await finder(known);
    expect(await findFlowRuns(api, { name: idPrefix, idPrefix, limit: 10 })).toEqual([]);
  });

  it("asks for a whole id and for a name directly", async () => {
    const { api, calls } = await finder(ids);
    const id = ids[7] ?? "";
    expect(await findFlowRuns(api, { name: id, idPrefix: id, limit: 10 })).toMatchObject([{ id }]);
    expect(await findFlowRuns(api, { name: "quick-fox", limit: 10 })).toMatchObject([{ id: ids[0] }]);
    expect(calls).toHaveLength(3);
  });
});
