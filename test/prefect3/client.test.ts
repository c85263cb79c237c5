import { describe, expect, it, onTestFinished } from "vitest";
import { connectPrefect3 } from "../../src/prefect3/client.ts";
import type { Prefect3Target } from "../../src/prefect3/settings.ts";
import { findFlowRuns } from "../../src/prefect3/run-directory.ts";
import type { Prefect3Client } from "../../src/prefect3/client.ts";
import { isActive, isFinished } from "../../src/orchestrator/flow-run.ts";
import { runStateIn } from "../../src/prefect3/client.ts";
import { clockOf } from "../support/clock.ts";
import { fakePrefect3 } from "../support/prefect3.ts";
import { runId } from "../inventory/test-cluster.ts";

/** Waits between tries take no time. */
const clock = clockOf({ now: () => new Date() });

function connected(target: Prefect3Target): Prefect3Client {
  const api = connectPrefect3(target, { env: {} }, { clock, timeoutMs: 2_000 });
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

  it("treats an unknown type as not finished", () => {
    expect(isFinished(runStateIn({ state: { type: "SUSPENDED" } }).type)).toBe(false);
  });
});

describe("Prefect3Client", () => {
  it.each([
    { as: { apiKey: "pnu_1" }, sends: "Bearer pnu_1" },
    { as: { apiKey: "pnu_1", authString: "admin:pass" }, sends: "Basic YWRtaW46cGFzcw==" },
    { as: { authString: "admin:pass" }, sends: "Basic YWRtaW46cGFzcw==" },
    { as: {}, sends: undefined },
  ])("sends $sends", async ({ as, sends }) => {
    const { url, fake } = await fakePrefect3();
    const found = await connected({ url: `${url}/`, ...as }).flowRuns({
      flow_runs: { id: { any_: [runId(1)] } },
    });
    expect(found).toEqual([]);
    expect(fake.calls.map(({ path, authorization }) => ({ path, authorization }))).toEqual([
      { path: "/flow_runs/filter", authorization: sends },
    ]);
  });

  it("tells the date of each answer", async () => {
    const { url } = await fakePrefect3();
    const dates: (string | undefined)[] = [];
    const onAnswer = ({ date }: { date: string | undefined }): void => void dates.push(date);
    const api = connectPrefect3({ url }, { env: {} }, { clock, timeoutMs: 2_000, onAnswer });
    onTestFinished(() => api.close());
    await api.countFlowRuns();
    expect(dates).toEqual([expect.stringMatching(/ GMT$/)]);
  });

  it("sets a state", async () => {
    const { url, fake } = await fakePrefect3();
    fake.put({ id: runId(1), name: "one", state: { type: "RUNNING" } });
    const api = connected({ url });
    await api.setState(runId(1), { type: "CANCELLING" });
    expect(fake.calls).toMatchObject([
      {
        path: `/flow_runs/${runId(1)}/set_state`,
        body: { state: { type: "CANCELLING", message: null }, force: false },
      },
    ]);
  });

  it.each([
    { status: 401, body: {}, failure: "unauthorized" },
    { status: 404, body: {}, failure: "refused" },
    { status: 503, body: {}, failure: "overloaded" },
    { status: 200, body: "<html>", failure: "unreadable" },
  ])("classifies status $status as $failure", async ({ status, body, failure }) => {
    const { url } = await fakePrefect3({ instead: () => ({ status, body }) });
    const api = connected({ url, apiKey: "pnu_secret" });
    const error = await api.flowRuns({}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure, exitCode: 3 });
    expect(String(error)).not.toContain("pnu_secret");
  });

  it.each([{}, null, "rows"])(
    "takes %j in place of rows for no Prefect API, not for no rows",
    async (body) => {
      const { url } = await fakePrefect3({ instead: () => ({ body: JSON.stringify(body) }) });
      const api = connected({ url });
      await expect(api.flowRuns({})).rejects.toThrow(/is not a Prefect API/);
      await expect(api.countFlowRuns()).rejects.toThrow(/is not a Prefect API/);
    },
  );

  it("reads all rows from a server with smaller pages", async () => {
    const { url, fake } = await fakePrefect3({ pageLimit: 3 });
    for (let n = 1; n <= 8; n++) fake.put({ id: runId(n), name: "one", state: { type: "RUNNING" } });
    const api = connected({ url });
    expect(await api.flowRuns({})).toHaveLength(8);
    expect(await api.flowRuns({ limit: 5 })).toHaveLength(5);
    expect(await api.flowRuns({ flow_runs: { id: { any_: [runId(1), runId(8)] } } })).toHaveLength(2);
  });

  it("reads again what a busy server refuses", async () => {
    let asked = 0;
    const busy = { status: 503, body: {} };
    const { url } = await fakePrefect3({ instead: () => (++asked < 3 ? busy : { body: [] }) });
    expect(await connected({ url }).flowRuns({})).toEqual([]);
    expect(asked).toBe(3);
  });

  it("gets a token from a server that protects itself against forged requests", async () => {
    const { url, fake } = await fakePrefect3({ csrf: true });
    fake.put({ id: runId(1), name: "one", state: { type: "RUNNING" } });
    const api = connected({ url });
    expect(await api.flowRuns({})).toHaveLength(1);
    await api.setState(runId(1), { type: "CANCELLING" });
    expect(fake.calls.filter(({ path }) => path.startsWith("/csrf-token"))).toHaveLength(1);
  });

  it("blames the key, not the token that is not given for it", async () => {
    const { url } = await fakePrefect3({ csrf: true, apiKey: "right" });
    await expect(connected({ url, apiKey: "wrong" }).flowRuns({})).rejects.toMatchObject({
      detail: "the API answered 401: Unauthorized",
    });
  });

  it.each([
    {
      name: "what is wrong with a field",
      answer: {
        status: 422,
        body: {
          exception_message: "Invalid request received.",
          exception_detail: [{ loc: ["body", "flow_runs", "end_time"], msg: "extra fields not permitted" }],
        },
      },
      words: "the API answered 422: Invalid request received. end_time: extra fields not permitted",
    },
    {
      name: "why it forbids",
      answer: { status: 403, body: { detail: "no access to\nthis workspace" } },
      words: "the API answered 403: no access to this workspace",
    },
  ])("repeats the API's words: $name", async ({ answer, words }) => {
    const { url } = await fakePrefect3({ instead: () => answer });
    await expect(connected({ url }).flowRuns({})).rejects.toMatchObject({ detail: words });
  });

  it("says that the API has no such run, and does not blame its address", async () => {
    const { url } = await fakePrefect3();
    const cancelling = connected({ url }).setState(runId(1), { type: "CANCELLING" });
    await expect(cancelling).rejects.toMatchObject({
      detail: `the API answered 404: Flow run with id ${runId(1)} not found`,
      hint: undefined,
    });
  });

  it("refuses an invalid URL", () => {
    expect(() => connectPrefect3({ url: "localhost" }, { env: {} }, { clock, timeoutMs: 1 })).toThrow(
      /not an http\(s\) URL/,
    );
  });
});

describe("findFlowRuns", () => {
  /** 3,000 runs with evenly spread ids. */
  const ids = Array.from({ length: 3_000 }, (_, at) => {
    const digits = ((at * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, "0");
    return `${digits}-0000-7000-8000-${at.toString(16).padStart(12, "0")}`;
  });

  async function finder(known: readonly string[]) {
    const { fake, url } = await fakePrefect3();
    for (const [at, id] of known.entries()) {
      fake.put({ id, name: at === 0 ? "quick-fox" : "one", state: { type: "RUNNING" } });
    }
    return { api: connected({ url }), calls: fake.calls };
  }

  it.each([
    { where: "first", of: ids.toSorted()[0] },
    { where: "last", of: ids.toSorted().at(-1) },
    { where: "in between", of: ids[1_234] },
  ])("finds a run by id prefix with few requests: $where", async ({ of = "" }) => {
    const { api, calls } = await finder(ids);
    const idPrefix = of.slice(0, 8);
    const found = await findFlowRuns(api, { name: idPrefix, idPrefix, limit: 10 });
    expect(found.map(({ id }) => id)).toEqual([of]);
    expect(calls.length).toBeLessThan(20);
  });

  it("finds all runs with the prefix, up to the limit", async () => {
    const alike = Array.from({ length: 15 }, (_, at) => `abcdef01-0000-7000-8000-0000000000${10 + at}`);
    const { api } = await finder([...ids, ...alike]);
    const found = await findFlowRuns(api, { name: "abcdef01", idPrefix: "abcdef01", limit: 10 });
    expect(found).toHaveLength(10);
    expect(found.every(({ id }) => alike.includes(id))).toBe(true);
  });

  it.each([
    { when: "no run has the prefix", known: ids, idPrefix: "00000000-0000-7000-8000-ffff" },
    { when: "there are no runs", known: [], idPrefix: "abcdef01" },
  ])("finds nothing if $when", async ({ known, idPrefix }) => {
    const { api } = await finder(known);
    expect(await findFlowRuns(api, { name: idPrefix, idPrefix, limit: 10 })).toEqual([]);
  });

  it("queries a full id and a name directly", async () => {
    const { api, calls } = await finder(ids);
    const id = ids[7] ?? "";
    expect(await findFlowRuns(api, { name: id, idPrefix: id, limit: 10 })).toMatchObject([{ id }]);
    expect(await findFlowRuns(api, { name: "quick-fox", limit: 10 })).toMatchObject([{ id: ids[0] }]);
    expect(calls).toHaveLength(3);
  });
});
