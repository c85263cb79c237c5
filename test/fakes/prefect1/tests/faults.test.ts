// Faults, hooks, pauses, and waiting for what happens.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1 } from "../fake-prefect1.ts";
import { graphql, setStates, StillClock } from "../client.ts";

let api: FakePrefect1;
let run: string;
let clock: StillClock;

beforeEach(async () => {
  clock = new StillClock();
  api = await startFakePrefect1({ clock });
  run = api.createFlowRun({ flow: api.createFlow({ name: "f" }) }).id;
});

afterEach(() => api.stop());

const post = (): Promise<Response> =>
  fetch(api.url, { method: "POST", body: JSON.stringify({ query: "{ hello }" }) });
const setRunning = () => setStates(api, [{ flow_run_id: run, state: { type: "Running" } }]);

describe("fault", () => {
  it("strikes the nth matching request, as often as told", async () => {
    const fault = api.fault({ effect: { kind: "status", status: 503 }, match: "hello", nth: 2, times: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await post()).status);
    await graphql(api, "{ api { mode } }");
    expect(statuses).toEqual([200, 503, 503, 200]);
    expect(fault.hits()).toBe(2);
  });

  it("ends when it is removed", async () => {
    const fault = api.fault({ effect: { kind: "status", status: 500 }, times: Infinity });
    expect((await post()).status).toBe(500);
    fault.remove();
    expect((await post()).status).toBe(200);
  });

  it.each([{ retryAfter: "7" }, {}])("limits the rate with %j", async (extra) => {
    api.fault({ effect: { kind: "status", status: 429, ...extra } });
    const response = await post();
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, extra.retryAfter ?? null]);
  });

  it("answers API_ERROR, chosen errors, or what is not JSON, without any effect", async () => {
    api.fault({ effect: { kind: "api-error" } });
    expect((await setRunning()).errors?.[0]?.extensions).toEqual({ code: "API_ERROR" });
    api.fault({ effect: { kind: "errors", message: "no", code: "FORBIDDEN" } });
    expect((await setRunning()).errors).toEqual([{ message: "no", extensions: { code: "FORBIDDEN" } }]);
    api.fault({ effect: { kind: "not-json" } });
    await expect(setRunning()).rejects.toThrow(SyntaxError);
    expect(api.flowRun(run)?.state).toBe("Scheduled");
  });

  it.each([
    { when: "before" as const, state: "Scheduled" },
    { when: "after" as const, state: "Running" },
  ])("cuts the connection $when the effect: $state", async ({ when, state }) => {
    api.fault({ effect: { kind: "cut", when }, match: (call) => call.kind === "mutation" });
    await expect(setRunning()).rejects.toThrow("fetch failed");
    expect(api.flowRun(run)?.state).toBe(state);
    expect(api.requests.entries().at(-1)?.status).toBe(0);
  });

  it("hangs until somebody gives up", async () => {
    api.fault({ effect: { kind: "hang", when: "after" } });
    const giveUp = new AbortController();
    const reply = fetch(api.url, {
      method: "POST",
      signal: giveUp.signal,
      body: JSON.stringify({
        query: `mutation { cancel_flow_run(input: {flow_run_id: "${run}"}) { state } }`,
      }),
    });
    await api.until(() => api.flowRun(run)?.state === "Cancelled");
    giveUp.abort();
    await expect(reply).rejects.toThrow("aborted");
  });

  it("delays by the clock, then answers", async () => {
    const before = clock.now().getTime();
    api.fault({ effect: { kind: "delay", ms: 60_000 } });
    expect((await post()).status).toBe(200);
    expect(clock.now().getTime() - before).toBe(60_000);
  });
});

describe("onRequest", () => {
  it("is awaited before the effect and after it", async () => {
    const seen: unknown[] = [];
    const off = api.onRequest(async (call, moment) => {
      await Promise.resolve();
      seen.push([moment, call.fields, api.flowRun(run)?.state]);
    });
    await setRunning();
    off();
    await setRunning();
    expect(seen).toEqual([
      ["before", ["set_flow_run_states"], "Scheduled"],
      ["after", ["set_flow_run_states"], "Running"],
    ]);
  });
});

describe("pause and resume", () => {
  it("goes away and comes back at the same address with the same data", async () => {
    await api.pause();
    await expect(post()).rejects.toThrow("fetch failed");
    await api.resume();
    const reply = await graphql(api, `{ flow_run_by_pk(id: "${run}") { state } }`);
    expect(reply.data).toEqual({ flow_run_by_pk: { state: "Scheduled" } });
  });
});

describe("until", () => {
  it("resolves when a change makes it true", async () => {
    const seen = api.until(() => api.flowRun(run)?.state === "Running");
    await setRunning();
    await expect(seen).resolves.toBeUndefined();
  });

  it("says at the deadline how things stand", async () => {
    const waiting = api.until(() => false, { what: "the end", timeoutMs: 1 });
    await expect(waiting).rejects.toThrow(
      new RegExp(`cannot see "the end": .* 1 ms\\nflow runs: 1 Scheduled; agents: 0\\n {2}${run} `),
    );
  });

  it("rejects with what the predicate throws", async () => {
    await expect(
      api.until(() => {
        throw new Error("broken");
      }),
    ).rejects.toThrow("broken");
  });
});

describe("on", () => {
  it("tells every change of a row until it is told to stop", () => {
    const seen: string[] = [];
    const off = api.on((change) => seen.push(`${change.action} ${change.table}`));
    api.setState(run, { type: "Running" });
    off();
    api.setState(run, { type: "Failed" });
    expect(seen).toEqual(["insert flow_run_state", "update flow_run"]);
  });
});
