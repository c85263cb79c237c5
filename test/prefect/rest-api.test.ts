import { describe, expect, it, onTestFinished } from "vitest";
import { connectRest } from "../../src/prefect/rest-connect.ts";
import type { RestApi } from "../../src/prefect/rest-api.ts";
import { stateOfRest, stateWord } from "../../src/prefect/rest-state.ts";
import { isAlive, isFailed, isFinished, isSuccessful } from "../../src/prefect/state.ts";
import { restStandin, runId } from "../inventory/reading-world.ts";

function connected(env: Record<string, string>): RestApi {
  const api = connectRest(env, 2_000);
  if (api === undefined) throw new Error("not connected");
  onTestFinished(() => api.close());
  return api;
}

describe("stateOfRest", () => {
  it.each([
    { type: "SCHEDULED", over: false, alive: false },
    { type: "PENDING", over: false, alive: true },
    { type: "RUNNING", over: false, alive: true },
    { type: "PAUSED", over: false, alive: false },
    { type: "CANCELLING", over: false, alive: false },
    { type: "COMPLETED", over: true, alive: false },
    { type: "FAILED", over: true, alive: false },
    { type: "CRASHED", over: true, alive: false },
    { type: "CANCELLED", over: true, alive: false },
  ])("reads $type as the verdict needs it, and keeps its word", ({ type, over, alive }) => {
    const state = stateOfRest({ type });
    expect({ over: isFinished(state.type), alive: isAlive(state.type) }).toEqual({ over, alive });
    expect(stateWord(state).toUpperCase()).toBe(type);
  });

  it("tells success from failure, and shows the name that Prefect gave the state", () => {
    expect(isSuccessful(stateOfRest({ type: "COMPLETED" }).type)).toBe(true);
    expect(isFailed(stateOfRest({ type: "CRASHED" }).type)).toBe(true);
    expect(stateWord(stateOfRest({ type: "SCHEDULED", name: "Late" }))).toBe("Late");
  });

  it("takes a type that it does not know for one that is not over", () => {
    expect(isFinished(stateOfRest({ type: "SUSPENDED" }).type)).toBe(false);
  });
});

describe("RestApi", () => {
  it.each([
    { env: { PREFECT_API_KEY: "pnu_1", PREFECT_API_AUTH_STRING: "admin:pass" }, sends: "Bearer pnu_1" },
    { env: { PREFECT_API_AUTH_STRING: "admin:pass" }, sends: "Basic YWRtaW46cGFzcw==" },
    { env: {}, sends: undefined },
  ])("sends $sends", async ({ env, sends }) => {
    const { url, calls } = await restStandin(() => ({ body: [] }));
    const found = await connected({ PREFECT_API_URL: `${url}/`, ...env }).flowRuns([runId(1)]);
    expect(found.size).toBe(0);
    expect(calls.map(({ path, authorization }) => ({ path, authorization }))).toEqual([
      { path: "/api/flow_runs/filter", authorization: sends },
    ]);
  });

  it("sets a state, and tells what became of it", async () => {
    const { url, calls } = await restStandin(() => ({ body: { status: "ACCEPT" } }));
    const api = connected({ PREFECT_API_URL: url });
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
    const { url } = await restStandin(() => ({ status, body }));
    const api = connected({ PREFECT_API_URL: url, PREFECT_API_KEY: "pnu_secret" });
    const error = await api.flowRuns([runId(1)]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure, exitCode: 3 });
    expect(String(error)).not.toContain("pnu_secret");
  });

  it("is not there without PREFECT_API_URL, and refuses one that is no address", () => {
    expect(connectRest({}, 1)).toBeUndefined();
    expect(() => connectRest({ PREFECT_API_URL: "localhost" }, 1)).toThrow(/not an http\(s\) URL/);
  });
});
