// Agents, logs, making and deleting flow runs, task runs.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { objectIn } from "../../../../src/base/json.ts";
import type { JsonObject } from "../../../../src/base/json.ts";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1 } from "../fake-prefect1.ts";
import { TABLE_NAMES, tableShapes } from "../tables.ts";
import { graphql, StillClock } from "../client.ts";
import type { GraphqlReply } from "../client.ts";

let api: FakePrefect1;
const UNKNOWN = "b5eb4a6f-0e4f-4ad5-a7de-3aa5b0b0a333";

beforeEach(async () => {
  api = await startFakePrefect1({ clock: new StillClock() });
});

afterEach(() => api.stop());

function mutate(name: string, input: JsonObject, options: { result?: string; version?: string } = {}) {
  const query = `mutation($input: ${name}_input!) { it: ${name}(input: $input) { ${options.result ?? "id"} } }`;
  const headers = { "x-prefect-core-version": options.version ?? "1.4.1" };
  return graphql(api, query, { variables: { input }, headers });
}

const idOf = (reply: GraphqlReply): string => String(objectIn(reply.data?.["it"])["id"]);
const messageOf = (reply: GraphqlReply): string | undefined => reply.errors?.[0]?.message;

describe("register_agent", () => {
  const agent = { type: "KubernetesAgent", name: "agent", labels: ["b", "a"] };
  const register = (changes: JsonObject, version?: string) =>
    mutate("register_agent", { tenant_id: api.tenantId, ...agent, ...changes }, version ? { version } : {});

  it("gives the same agent the same id, and another one another", async () => {
    const id = idOf(await register({}));
    expect(idOf(await register({ labels: ["a", "b"] }))).toBe(id);
    const others = [
      await register({ name: "other" }),
      await register({ labels: ["a"] }),
      await register({ type: "LocalAgent" }),
      await register({}, "1.4.0"),
    ];
    expect(new Set([id, ...others.map(idOf)]).size).toBe(5);
    expect(api.agents()).toHaveLength(5);
  });

  it("needs a tenant", async () => {
    expect(messageOf(await register({ tenant_id: null }))).toBe("No tenant found.");
    expect(messageOf(await register({ tenant_id: UNKNOWN }))).toContain("Foreign key violation");
  });

  it("knows agent configurations", async () => {
    const created = await mutate("create_agent_config", { tenant_id: api.tenantId, settings: { a: 1 } });
    const id = idOf(created);
    const read = await graphql(api, `{ agent_config(where: {id: {_eq: "${id}"}}) { settings } }`);
    expect(read.data).toEqual({ agent_config: [{ settings: { a: 1 } }] });
  });

  it("forgets a deleted agent", async () => {
    const id = idOf(await register({}));
    const reply = await mutate("delete_agent", { agent_id: id }, { result: "success" });
    expect([reply.data, api.agents()]).toEqual([{ it: { success: true } }, []]);
  });
});

describe("write_run_logs", () => {
  const write = (logs: JsonObject[]) => mutate("write_run_logs", { logs }, { result: "success error" });

  it("fills in level and time", async () => {
    const run = api.createFlowRun({ flow: api.createFlow({ name: "f" }) }).id;
    await write([
      { flow_run_id: run, message: "plain" },
      {
        flow_run_id: run,
        message: "full",
        name: "k8s-infra",
        level: "DEBUG",
        timestamp: "2022-01-01T00:00:00Z",
      },
    ]);
    expect(api.logsOf(run)).toMatchObject([
      { message: "plain", name: null, level: "INFO", timestamp: "2022-03-04T05:06:07.000000+00:00" },
      { message: "full", name: "k8s-infra", level: "DEBUG", timestamp: "2022-01-01T00:00:00.000000+00:00" },
    ]);
  });

  it("writes nothing when one line is of an unknown flow run", async () => {
    const run = api.createFlowRun({ flow: api.createFlow({ name: "f" }) }).id;
    const reply = await write([{ flow_run_id: run }, { flow_run_id: UNKNOWN }]);
    expect(messageOf(reply)).toContain("Foreign key violation");
    expect(api.logsOf(run)).toEqual([]);
  });

  it("refuses an unknown level as a bad request", async () => {
    expect((await write([{ flow_run_id: UNKNOWN, level: "LOUD" }])).status).toBe(400);
  });
});

describe("create_flow_run", () => {
  it("makes a Scheduled run of version 1 and a task run for each task", async () => {
    const flow = api.createFlow({ name: "f", tasks: [{ slug: "a-1" }, { slug: "b-1" }] });
    const id = idOf(await mutate("create_flow_run", { flow_id: flow.id, flow_run_name: "n" }));
    expect(api.flowRun(id)).toMatchObject({ name: "n", version: 1, state: "Scheduled", labels: [] });
    expect(api.history(id)).toMatchObject([
      {
        type: "Scheduled",
        message: "Flow run scheduled.",
        state: { start_time: "2022-03-04T05:06:07+00:00" },
      },
    ]);
    expect(api.taskRuns(id).map((task) => [task.map_index, task.version])).toEqual([
      [-1, 0],
      [-1, 0],
    ]);
  });

  it("returns the run that has this idempotency key already", async () => {
    const flow = api.createFlow({ name: "f" });
    const again = () => mutate("create_flow_run", { flow_id: flow.id, idempotency_key: "k" });
    const id = idOf(await again());
    expect(idOf(await again())).toBe(id);
    const other = api.createFlow({ name: "other" });
    const reply = await mutate("create_flow_run", { flow_id: other.id, idempotency_key: "k" });
    expect(idOf(reply)).not.toBe(id);
  });

  it.each([
    { input: { labels: ["i"], run_config: { labels: ["r"] } }, labels: ["i"] },
    { input: { run_config: { labels: ["z", "r"] } }, labels: ["r", "z"] },
    { input: {}, labels: ["g"] },
    { input: { labels: [] }, labels: [] },
  ])("takes labels from the first that has a say: $labels", async ({ input, labels }) => {
    const flow = api.createFlow({ name: "f", groupLabels: ["g"], runConfig: { labels: ["f"] } });
    const id = idOf(await mutate("create_flow_run", { flow_id: flow.id, ...input }));
    expect(api.flowRun(id)?.labels).toEqual(labels);
  });

  it("takes the newest flow of a version group, and refuses archived ones", async () => {
    const old = api.createFlow({ name: "f" });
    const current = api.createFlow({ name: "f" });
    const group = { version_group_id: current.version_group_id };
    const id = idOf(await mutate("create_flow_run", group));
    expect([api.flowRun(id)?.flow_id, current.version]).toEqual([current.id, 2]);
    expect(messageOf(await mutate("create_flow_run", { flow_id: old.id }))).toContain("archived");
  });

  it("refuses unknown flows and missing parameters", async () => {
    const flow = api.createFlow({ name: "f", parameters: [{ name: "p", required: true }] });
    expect(messageOf(await mutate("create_flow_run", { flow_id: UNKNOWN }))).toBe(
      `Flow ${UNKNOWN} not found`,
    );
    expect(messageOf(await mutate("create_flow_run", { flow_id: flow.id }))).toContain("p");
    expect(idOf(await mutate("create_flow_run", { flow_id: flow.id, parameters: { p: 1 } }))).toHaveLength(
      36,
    );
  });
});

describe("a flow run", () => {
  it("can be kept alive and deleted", async () => {
    const flow_run_id = api.createFlowRun({
      flow: api.createFlow({ name: "f", tasks: [{ slug: "a-1" }] }),
    }).id;
    const ok = { result: "success" };
    await mutate("update_flow_run_heartbeat", { flow_run_id }, ok);
    expect(api.flowRun(flow_run_id)).toMatchObject({
      heartbeat: "2022-03-04T05:06:07.000000+00:00",
    });
    expect((await mutate("delete_flow_run", { flow_run_id }, ok)).data).toEqual({ it: { success: true } });
    expect((await mutate("delete_flow_run", { flow_run_id }, ok)).data).toEqual({ it: { success: false } });
    const { flow_run, task_run, flow_run_state } = api.store.tables;
    expect([flow_run.size, task_run.size, flow_run_state.size]).toEqual([0, 0, 0]);
  });
});

describe("get_or_create_task_run_info", () => {
  it("finds a task run, makes a mapped child, and finds that, too", async () => {
    const flow = api.createFlow({ name: "f", tasks: [{ slug: "a-1" }] });
    const run = api.createFlowRun({ flow });
    const [own] = api.taskRuns(run.id);
    const info = (map_index: number) =>
      mutate(
        "get_or_create_task_run_info",
        { flow_run_id: run.id, task_id: own?.task_id, map_index },
        { result: "id version state serialized_state" },
      );
    expect(idOf(await info(-1))).toBe(own?.id);
    const child = await info(0);
    expect(child.data?.["it"]).toMatchObject({ version: 0, state: "Pending" });
    expect(idOf(await info(0))).toBe(idOf(child));
    expect(api.taskRuns(run.id).map((task) => task.map_index)).toEqual([-1, 0]);
    const read = await graphql(api, `{ get_task_run_info(task_run_id: "${own?.id}") { id version } }`);
    expect(read.data).toEqual({ get_task_run_info: { id: own?.id, version: 0 } });
  });
});

describe("rows", () => {
  it("have exactly the columns that their table shows", async () => {
    const run = api.createFlowRun({
      flow: api.createFlow({
        name: "f",
        tasks: [{ slug: "a-1" }, { slug: "b-1" }],
        edges: [{ from: "a-1", to: "b-1", key: "x" }],
      }),
    }).id;
    await mutate("register_agent", { tenant_id: api.tenantId, type: "K" });
    await mutate("create_agent_config", { tenant_id: api.tenantId });
    await mutate("write_run_logs", { logs: [{ flow_run_id: run }] }, { result: "success" });
    api.setState(run, { type: "Cancelled" });
    const shapes = tableShapes();
    for (const name of TABLE_NAMES) {
      const [row] = api.store.tables[name].all();
      const columns = [...shapes[name].columns.keys()].sort();
      expect({ name, columns: Object.keys(row ?? {}).sort() }).toEqual({ name, columns });
    }
  });
});
