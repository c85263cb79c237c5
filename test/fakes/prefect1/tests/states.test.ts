// set_flow_run_states and set_task_run_states: versions, the Submitted lock, normal form, and what a state sets in motion.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1 } from "../fake-prefect1.ts";
import { graphql, setStates, setTaskState, StillClock } from "../client.ts";

let api: FakePrefect1;
let clock: StillClock;
let run: string;

beforeEach(async () => {
  clock = new StillClock();
  api = await startFakePrefect1({ clock });
  run = newRun();
});

afterEach(() => api.stop());

function newRun(): string {
  const flow = api.createFlow({ name: "etl", tasks: [{ slug: "a-1" }, { slug: "b-1" }] });
  return api.createFlowRun({ flow }).id;
}

function set(type: string, extra: Record<string, unknown> = {}) {
  return setStates(api, [{ flow_run_id: run, state: { type, message: type, ...extra } }]);
}

describe("set_flow_run_states", () => {
  it("counts versions, keeps the history and answers SUCCESS", async () => {
    const reply = await set("Submitted");
    await set("Running");
    expect(reply.data).toEqual({
      set_flow_run_states: { states: [{ id: run, status: "SUCCESS", message: null }] },
    });
    expect(api.history(run).map(({ version, type }) => [version, type])).toEqual([
      [1, "Scheduled"],
      [2, "Submitted"],
      [3, "Running"],
    ]);
    expect(api.flowRun(run)).toMatchObject({ version: 3, state: "Running", state_message: "Running" });
  });

  it("ignores the version that it is given, as Prefect Server does", async () => {
    const reply = await setStates(api, [{ flow_run_id: run, version: 77, state: { type: "Running" } }]);
    expect(reply.errors).toBeUndefined();
  });

  it("knows no forbidden transition", async () => {
    await set("Success");
    await set("Running");
    expect(api.flowRun(run)?.state).toBe("Running");
  });

  it("locks Submitted for 30 seconds", async () => {
    await set("Submitted");
    clock.forward(29_999);
    const second = await set("Submitted");
    expect(second.data).toEqual({ set_flow_run_states: null });
    expect(second.errors?.[0]?.message).toBe("State update failed: this run has already been submitted.");
    clock.forward(1);
    expect((await set("Submitted")).errors).toBeUndefined();
    expect(api.flowRun(run)?.version).toBe(3);
  });

  it("applies the other elements although one fails", async () => {
    const other = newRun();
    const unknown = "b5eb4a6f-0e4f-4ad5-a7de-3aa5b0b0a333";
    const reply = await setStates(
      api,
      [run, unknown, other].map((id) => ({ flow_run_id: id, state: { type: "Running" } })),
    );
    expect(reply.data).toEqual({ set_flow_run_states: null });
    expect(reply.errors?.[0]?.message).toBe(`State update failed for flow run ID ${unknown}`);
    expect([run, other].map((id) => api.flowRun(id)?.state)).toEqual(["Running", "Running"]);
  });

  it("notes which agent submitted the run", async () => {
    const register = await graphql(
      api,
      `mutation { register_agent(input: {tenant_id: "${api.tenantId}", type: "KubernetesAgent"}) { id } }`,
    );
    const agent = api.agents()[0]?.id ?? "";
    expect(register.data).toEqual({ register_agent: { id: agent } });
    await setStates(api, [{ flow_run_id: run, state: { type: "Submitted" } }], {
      "x-prefect-agent-id": agent,
    });
    expect(api.flowRun(run)?.agent_id).toBe(agent);
  });

  it("keeps the first start, the last end and a heartbeat", async () => {
    await set("Submitted");
    expect(api.flowRun(run)).toMatchObject({
      heartbeat: "2022-03-04T05:06:07.000000+00:00",
      start_time: null,
    });
    clock.forward(1000);
    await set("Running");
    clock.forward(1000);
    await set("Running");
    await set("Failed");
    clock.forward(1000);
    await set("Success");
    clock.forward(1000);
    await set("TriggerFailed");
    expect(api.flowRun(run)).toMatchObject({
      start_time: "2022-03-04T05:06:08.000000+00:00",
      end_time: "2022-03-04T05:06:10.000000+00:00",
      heartbeat: "2022-03-04T05:06:09.000000+00:00",
    });
  });

  it("cancels unfinished task runs with their flow run", async () => {
    await set("Running");
    const [a, b] = api.taskRuns(run);
    await setTaskState(api, a?.id ?? "", { type: "Success" });
    await set("Cancelled", { message: "enough" });
    expect(api.taskRuns(run).map((task) => [task.state, task.state_message])).toEqual([
      ["Success", null],
      ["Cancelled", "enough"],
    ]);
    expect(b?.state).toBe("Pending");
  });

  it.each([
    { state: {}, message: "{'type': ['Missing data for required field.']}" },
    { state: { type: "Nonsense" }, message: "{'type': ['Unsupported value: Nonsense']}" },
    { state: { type: "Running", message: 3 }, message: "{'message': ['Not a valid string.']}" },
    { state: { type: "Running", _result: null }, message: "{'_result': ['Field may not be null.']}" },
    {
      state: { type: "Scheduled", start_time: "2022-03-04" },
      message: "{'start_time': ['Not a valid datetime.']}",
    },
    { state: { type: "Failed", message: "é".repeat(170_000) }, message: "State payload is too large." },
  ])("refuses a state with $message", async ({ state, message }) => {
    const reply = await setStates(api, [{ flow_run_id: run, state }]);
    expect([reply.status, reply.errors?.[0]?.message]).toEqual([200, message]);
    expect(api.flowRun(run)?.version).toBe(1);
  });

  it("accepts a state just below the limit", async () => {
    expect((await set("Failed", { message: "é".repeat(160_000) })).errors).toBeUndefined();
  });
});

describe("set_task_run_states", () => {
  it("lets a task run go Running only while its flow run is Running", async () => {
    const task = api.taskRuns(run)[0]?.id ?? "";
    const early = await setTaskState(api, task, { type: "Running" });
    expect(early.errors?.[0]?.message).toBe(
      `State update failed for task run ID ${task}: provided a running state but associated flow run ${run} is not in a running state.`,
    );
    await set("Running");
    expect((await setTaskState(api, task, { type: "Running" })).errors).toBeUndefined();
    await set("Cancelling");
    expect((await setTaskState(api, task, { type: "Running" })).errors).toHaveLength(1);
    expect(api.taskRuns(run)[0]).toMatchObject({
      state: "Running",
      version: 1,
      heartbeat: "2022-03-04T05:06:07.000000+00:00",
    });
  });

  it("keeps the cached inputs of the state before", async () => {
    const task = api.taskRuns(run)[0]?.id ?? "";
    const input = { type: "LocalResult", dir: "/r", location: "x" };
    await setTaskState(api, task, { type: "Retrying", cached_inputs: { x: input } });
    await setTaskState(api, task, { type: "Failed" });
    expect(api.taskRuns(run)[0]?.serialized_state).toMatchObject({ cached_inputs: { x: input } });
  });

  it("refuses an unknown task run", async () => {
    const reply = await setTaskState(api, run, { type: "Failed" });
    expect(reply.errors?.[0]?.message).toBe(`State update failed for task run ID ${run}`);
  });
});

describe("cancel_flow_run", () => {
  it.each([
    ["Scheduled", "Cancelled"],
    ["Submitted", "Cancelled"],
    ["Queued", "Cancelled"],
    ["Paused", "Cancelled"],
    ["Running", "Cancelling"],
    ["Cancelling", "Cancelling"],
    ["Success", "Success"],
    ["Failed", "Failed"],
    ["Cancelled", "Cancelled"],
  ])("takes %s to %s", async (before, after) => {
    api.setState(run, { type: before });
    const reply = await graphql(
      api,
      `mutation { cancel_flow_run(input: {flow_run_id: "${run}"}) { state } }`,
    );
    expect(reply.data).toEqual({ cancel_flow_run: { state: after } });
    expect(api.flowRun(run)?.state).toBe(after);
  });
});

describe("Cloud", () => {
  const headers = { authorization: "Bearer k" };

  it("refuses an outdated version with VERSION_LOCKING_ERROR where the flow group wants it", async () => {
    const cloud = await startFakePrefect1({ flavour: "cloud" });
    const locked = cloud.createFlow({ name: "l", groupSettings: { version_locking_enabled: true } });
    const replies = await Promise.all(
      [locked, cloud.createFlow({ name: "free" })].map((flow) => {
        const { id } = cloud.createFlowRun({ flow });
        return setStates(cloud, [{ flow_run_id: id, version: 0, state: { type: "Running" } }], headers);
      }),
    );
    await cloud.stop();
    expect(replies.map((reply) => reply.errors?.[0]?.extensions["code"])).toEqual([
      "VERSION_LOCKING_ERROR",
      undefined,
    ]);
  });

  it("queues a run that would exceed its label's limit", async () => {
    const cloud = await startFakePrefect1({ flavour: "cloud", concurrencyLimits: { gpu: 1 } });
    const flow = cloud.createFlow({ name: "f" });
    const [one, two] = [1, 2].map(() => cloud.createFlowRun({ flow, labels: ["gpu"] }).id);
    const running = (id = "") => setStates(cloud, [{ flow_run_id: id, state: { type: "Running" } }], headers);
    await running(one);
    const reply = await running(two);
    await cloud.stop();
    expect(reply.data).toMatchObject({ set_flow_run_states: { states: [{ id: two, status: "QUEUED" }] } });
    expect([one, two].map((id) => cloud.flowRun(id ?? "")?.state)).toEqual(["Running", "Queued"]);
  });
});
