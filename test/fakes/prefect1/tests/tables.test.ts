// The tables: filters, order, pages, relationships, aggregates.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrayIn, objectIn } from "../../../../src/base/json.ts";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1 } from "../fake-prefect1.ts";
import { graphql, StillClock } from "../client.ts";

let api: FakePrefect1;
let first: string;

beforeAll(async () => {
  const clock = new StillClock();
  api = await startFakePrefect1({ clock });
  const flow = api.createFlow({ name: "etl", tasks: [{ slug: "a-1" }, { slug: "b-1" }] });
  const other = api.createFlow({ name: "report", groupSettings: { lazarus_enabled: false } });
  const at = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1000);
  first = api.createFlowRun({ flow, name: "one", labels: ["x", "y"], startTime: at(3) }).id;
  api.createFlowRun({
    flow,
    name: "two",
    labels: ["x"],
    startTime: at(1),
    parameters: { deep: [{ k: 1, l: 2 }] },
  });
  const three = api.createFlowRun({ flow: other, name: "three", startTime: at(2) });
  api.setState(three.id, { type: "Running", message: "100% here_now", context: { mark: { place: "p" } } });
  const four = api.createFlowRun({ flow: other, name: "four", startTime: at(2.5) });
  api.setState(four.id, { type: "Success", message: null });
});

afterAll(() => api.stop());

async function names(argumentsText: string): Promise<unknown[]> {
  const reply = await graphql(api, `{ flow_run(${argumentsText}) { name } }`);
  expect(reply.errors).toBeUndefined();
  return arrayIn(reply.data?.["flow_run"]).map((row) => objectIn(row)["name"]);
}

const ALL = ["one", "two", "three", "four"];

describe("where", () => {
  it.each([
    ['{name: {_eq: "one"}}', ["one"]],
    ['{name: {_neq: "one"}}', ["two", "three", "four"]],
    ['{name: {_in: ["two", "four", "none"]}}', ["two", "four"]],
    ['{name: {_nin: ["two", "four"]}}', ["one", "three"]],
    ["{name: {_in: []}}", []],
    ['{name: {_gt: "one", _lte: "two"}}', ["two", "three"]],
    ['{name: {_gte: "two"}}', ["two"]],
    ['{name: {_lt: "one"}}', ["four"]],
    ['{name: {_like: "%o%"}}', ["one", "two", "four"]],
    ['{name: {_like: "_o%"}}', ["four"]],
    ['{name: {_ilike: "T%"}}', ["two", "three"]],
    ['{name: {_nlike: "t%"}}', ["one", "four"]],
    ['{state_message: {_like: "100\\\\% here\\\\_now"}}', ["three"]],
    ['{state_message: {_like: "Flow run scheduled."}}', ["one", "two"]],
    ["{state_message: {_is_null: true}}", ["four"]],
    ["{heartbeat: {_is_null: false}}", ["three"]],
    ['{scheduled_start_time: {_lt: "2022-03-04T05:06:09Z"}}', ["two"]],
    ['{scheduled_start_time: {_lte: "2022-03-04T07:06:09+02:00"}}', ["two", "three"]],
    ['{state_start_time: {_lte: "2022-03-04T05:06:10"}}', ["two", "one"]],
    ['{state: {_eq: "Scheduled"}, state_start_time: {_lte: "2022-03-04T05:06:08Z"}}', ["two"]],
    ["{version: {_gt: 1}}", ["three", "four"]],
    ["{auto_scheduled: {_eq: true}}", []],
  ])("%s finds %j", async (where, found) => {
    expect(await names(`where: ${where}`)).toEqual(found);
  });

  it.each([
    ['{_or: [{name: {_eq: "one"}}, {state: {_eq: "Running"}}]}', ["one", "three"]],
    ["{_or: []}", []],
    ["{_and: []}", ALL],
    ["{_not: {}}", []],
    ['{_not: {state: {_in: ["Running", "Success"]}}}', ["one", "two"]],
    ['{_and: [{state: {_eq: "Scheduled"}}, {_not: {name: {_eq: "one"}}}]}', ["two"]],
    ['{_not: {state_message: {_eq: "x"}}}', ["one", "two", "three"]],
  ])("combines %s to %j, with null being unknown", async (where, found) => {
    expect(await names(`where: ${where}`)).toEqual(found);
  });

  it.each([
    "{name: {_eq: null}}",
    "{name: null}",
    "{state: {_eq: null, _in: null}}",
    "{id: {_eq: null}}",
    "{}",
  ])("lets every row pass for %s (null collapse)", async (where) => {
    expect(await names(`where: ${where}`)).toEqual(ALL);
  });

  it.each([
    ['{labels: {_contains: ["x"]}}', ["one", "two"]],
    ['{labels: {_contains: "y"}}', ["one"]],
    ['{labels: {_contained_in: ["x", "z"]}}', ["two", "three", "four"]],
    ['{labels: {_has_key: "y"}}', ["one"]],
    ['{labels: {_has_keys_any: ["y", "z"]}}', ["one"]],
    ['{labels: {_has_keys_all: ["y", "x"]}}', ["one"]],
    ["{labels: {_eq: []}}", ["three", "four"]],
    ["{parameters: {_contains: {deep: [{k: 1}]}}}", ["two"]],
    ["{parameters: {_contains: {deep: [{k: 2}]}}}", []],
    ['{serialized_state: {_contains: {context: {mark: {place: "p"}}}}}', ["three"]],
    ['{serialized_state: {_has_key: "start_time"}}', ["one", "two"]],
  ])("looks into JSON with %s and finds %j", async (where, found) => {
    expect(await names(`where: ${where}`)).toEqual(found);
  });

  it.each([
    ['{flow: {name: {_eq: "etl"}}}', ["one", "two"]],
    ["{flow: {flow_group: {settings: {_contains: {lazarus_enabled: false}}}}}", ["three", "four"]],
    ["{task_runs: {}}", ["one", "two"]],
    ["{_not: {task_runs: {}}}", ["three", "four"]],
    ['{task_runs: {task: {slug: {_eq: "a-1"}}, state: {_eq: "Pending"}}}', ["one", "two"]],
    ['{states: {state: {_eq: "Running"}}}', ["three"]],
    ["{agent: {}}", []],
  ])("follows relationships with %s to %j", async (where, found) => {
    expect(await names(`where: ${where}`)).toEqual(found);
  });

  it.each([
    ['{id: {_eq: "nonsense"}}', 'invalid input syntax for type uuid: "nonsense"'],
    ['{created: {_gt: "later"}}', 'invalid input syntax for type timestamp with time zone: "later"'],
  ])("refuses %s", async (where, message) => {
    const reply = await graphql(api, `{ flow_run(where: ${where}) { id } }`);
    expect(reply.errors?.[0]?.message).toBe(message);
  });

  it("takes ids in any form of a UUID", async () => {
    const id = first.replaceAll("-", "").toUpperCase();
    expect(await names(`where: {id: {_in: ["${id}", "${first}"]}}`)).toEqual(["one"]);
  });
});

describe("order and pages", () => {
  it.each([
    ["order_by: {name: asc}", ["four", "one", "three", "two"]],
    ["order_by: [{state: desc}, {name: asc}]", ["four", "one", "two", "three"]],
    ["order_by: {flow: {name: desc}}", ["three", "four", "one", "two"]],
    ["order_by: {state_start_time: asc}", ["two", "one", "three", "four"]],
    ["order_by: {state_start_time: desc}", ["three", "four", "one", "two"]],
    ["order_by: {state_start_time: desc_nulls_last}", ["one", "two", "three", "four"]],
    ["order_by: {name: asc}, limit: 2", ["four", "one"]],
    ["order_by: {name: asc}, limit: 2, offset: 1", ["one", "three"]],
    ["limit: 0", []],
    ['where: {state_start_time: {_lte: "2023-01-01"}}, order_by: {state_start_time: asc}, limit: 1', ["two"]],
    ["distinct_on: [state], order_by: {state: asc}", ["three", "one", "four"]],
  ])("%s gives %j", async (argumentsText, found) => {
    expect(await names(argumentsText)).toEqual(found);
  });
});

describe("fields", () => {
  it("print times as PostgreSQL does", async () => {
    const reply = await graphql(
      api,
      '{ flow_run(where: {name: {_in: ["one", "four"]}}) { created state_start_time scheduled_start_time } }',
    );
    expect(reply.data?.["flow_run"]).toEqual([
      {
        created: "2022-03-04T05:06:07+00:00",
        state_start_time: "2022-03-04T05:06:10+00:00",
        scheduled_start_time: "2022-03-04T05:06:10+00:00",
      },
      {
        created: "2022-03-04T05:06:07+00:00",
        state_start_time: null,
        scheduled_start_time: "2022-03-04T05:06:09.5+00:00",
      },
    ]);
  });

  it("filter and count relationships, and reach into JSON", async () => {
    const reply = await graphql(
      api,
      `{ flow_run_by_pk(id: "${first}") {
           flow { name project { name } flow_runs_aggregate { aggregate { count } } }
           task_runs(where: {task: {slug: {_eq: "b-1"}}}) { map_index state task { slug } serialized_state }
           type: serialized_state(path: "$.type") label: labels(path: "[1]")
           states { state version } } }`,
    );
    expect(reply.data?.["flow_run_by_pk"]).toEqual({
      flow: { name: "etl", project: { name: "default" }, flow_runs_aggregate: { aggregate: { count: 2 } } },
      task_runs: [
        {
          map_index: -1,
          state: "Pending",
          task: { slug: "b-1" },
          serialized_state: { type: "Pending", message: "Task run created" },
        },
      ],
      type: "Scheduled",
      label: "y",
      states: [{ state: "Scheduled", version: 1 }],
    });
  });

  it("count what matches, not what is on the page", async () => {
    const reply = await graphql(
      api,
      '{ flow_run_aggregate(where: {labels: {_contains: ["x"]}}) { aggregate { count } nodes { name } } }',
    );
    expect(reply.data?.["flow_run_aggregate"]).toEqual({
      aggregate: { count: 2 },
      nodes: [{ name: "one" }, { name: "two" }],
    });
  });
});
