// What the work source makes of rows that Prefect should not give: they hold up nothing else.

import { beforeEach, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { Prefect1Client } from "../../src/prefect1/client.ts";
import { Graphql } from "../../src/prefect1/graphql.ts";
import { Prefect1WorkSource } from "../../src/prefect1/work-source.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const TENANT = "00000000-0000-4000-8000-0000000000aa";
const PLACE = { namespace: "flows", namespaceUid: "u" };
const clock = new VirtualClock();
let skipped: unknown[] = [];
beforeEach(() => {
  skipped = [];
});

/** Its Prefect has these flow runs, whatever it is asked. */
function sourceOf(rows: readonly JsonObject[]): Prefect1WorkSource {
  const queue = { flow_run_ids: rows.map(({ id }) => id) };
  const body = JSON.stringify({ data: { flow_run: rows } });
  const ofQueue = JSON.stringify({ data: { get_runs_in_queue: queue } });
  const http = {
    close: () => {},
    request: ({ body: asked = "" }: { readonly body?: string | Buffer | undefined }) =>
      Promise.resolve({
        status: 200,
        headers: {},
        body: String(asked).includes("get_runs_in_queue") ? ofQueue : body,
      }),
  };
  const graphql = new Graphql({ url: "http://prefect", tenantId: TENANT, timeoutMs: 1_000, http });
  return new Prefect1WorkSource({
    client: new Prefect1Client(graphql, "server"),
    clock,
    log: { warn: (_, fields) => skipped.push(fields?.["reason"]) },
    prefectTime: clock,
    name: "agent",
    labels: [],
    place: PLACE,
    process: "p",
    job: {} as ConstructorParameters<typeof Prefect1WorkSource>[0]["job"],
    template: undefined,
    readTemplate: () => Promise.reject(new Error("unused")),
    newId: () => "c",
  });
}

function row(id: string, more: JsonObject): JsonObject {
  const flow = { id: "f", name: "f", storage: null, core_version: "1.4.1" };
  const none = { labels: [], run_config: null, task_runs: [], waiting: [], heartbeat: null };
  return { id, tenant_id: TENANT, name: id, version: 2, flow, ...none, ...more };
}

it("a claim that cannot be decoded is named, and the others are found", async () => {
  const agent = { name: "agent", labels: [] };
  const claim = { id: "c", identifier: "i", process: "old", place: PLACE, agent };
  const state = { type: "Submitted", context: { kubectl_prefect: claim } };
  const claimed = { state: "Submitted", serialized_state: state, states: [{ serialized_state: state }] };
  const source = sourceOf([row("one", claimed), row("broken", { ...claimed, flow: null })]);
  const found: string[] = [];
  const query = { includeStarted: false, mayLackJob: () => true };
  for await (const page of source.unfinished(query, new AbortController().signal))
    found.push(...page.map(({ submission }) => submission.flowRunId));
  expect(found).toEqual(["one"]);
  expect(skipped).toEqual([expect.stringContaining("flow run broken: ")]);
});

it("a run that was rescheduled to next month since the queue was asked is left to a later poll", async () => {
  const scheduledIn = (ms: number): JsonObject => ({
    state: "Scheduled",
    serialized_state: {
      type: "Scheduled",
      start_time: new Date(clock.now().getTime() + ms).toISOString(),
    },
  });
  const source = sourceOf([row("soon", scheduledIn(9_000)), row("later", scheduledIn(30 * 86_400_000))]);
  const { runs } = await source.due(new Set(), new AbortController().signal);
  expect(runs.map(({ id }) => id)).toEqual(["soon"]);
});
