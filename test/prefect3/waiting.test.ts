// Why flow runs of Prefect 2 and 3 do not start.

import { describe, expect, it, onTestFinished } from "vitest";
import { connectPrefect3, type Prefect3Client } from "../../src/prefect3/client.ts";
import { prefect3Directory } from "../../src/prefect3/run-directory.ts";
import { lateRuns } from "../../src/prefect3/waiting.ts";
import type { FakeFlowRun, FakePool, FakePrefect3 } from "../fakes/prefect3/fake-prefect3.ts";
import { runId } from "../inventory/test-cluster.ts";
import { clockOf } from "../support/clock.ts";
import { fakePrefect3 } from "../support/prefect3.ts";

const NOW = new Date("2026-11-21T12:00:00Z");
const clock = clockOf({ now: () => NOW });
const QUEUE = { id: "queue-1", name: "default", status: "READY" };
const secondsAgo = (seconds: number): string => new Date(NOW.getTime() - seconds * 1_000).toISOString();
const online = { name: "w1", last_heartbeat_time: secondsAgo(40) };
const offline = { name: "w1", last_heartbeat_time: secondsAgo(600) };

async function started(): Promise<{ readonly fake: FakePrefect3; readonly api: Prefect3Client }> {
  const { fake, url } = await fakePrefect3();
  const api = connectPrefect3({ url }, { env: {} }, { clock, timeoutMs: 2_000 });
  onTestFinished(() => api.close());
  return { fake, api };
}

/** What the first run waits for: `REASON | HINT`. */
async function reasonOf({
  run = {},
  pool,
  others = 0,
}: {
  readonly run?: Partial<FakeFlowRun>;
  readonly pool?: Partial<FakePool>;
  /** Other runs of its pool and queue that are running. */
  readonly others?: number;
}): Promise<string | undefined> {
  const { fake, api } = await started();
  const of = { work_pool_name: "k8s", work_queue_id: QUEUE.id, work_queue_name: QUEUE.name };
  fake.put({ id: runId(1), name: "one", state: { type: "SCHEDULED" }, deployment_id: "d", ...of, ...run });
  for (let n = 2; n < others + 2; n++)
    fake.put({ id: runId(n), name: "other", state: { type: "RUNNING" }, ...of });
  fake.putPool({ name: "k8s", queues: [QUEUE], workers: [online], ...pool });
  const directory = prefect3Directory({ url: api.url }, () => Promise.resolve(api), clock);
  const found = await directory.waitReason?.(runId(1));
  return found && [found.reason, ...(found.hint === undefined ? [] : [found.hint])].join(" | ");
}

describe("a run that is due", () => {
  const start = "start one with: prefect worker start --pool k8s";
  const count = "pending and running flow runs count: list them with: kubectl prefect jobs -A";
  it.each([
    {
      given: { pool: { is_paused: true, workers: [] } },
      want: 'work pool "k8s" is paused | resume it with: prefect work-pool resume k8s',
    },
    {
      given: { pool: { queues: [{ ...QUEUE, is_paused: true }] } },
      want: 'work queue "default" of work pool "k8s" is paused | resume it with: prefect work-queue resume default --pool k8s',
    },
    {
      given: { pool: { workers: [] } },
      want: `work pool "k8s" has no online worker: none has asked for flow runs yet | ${start}`,
    },
    {
      given: {
        pool: { workers: [{ ...offline, name: "w0", last_heartbeat_time: secondsAgo(7_200) }, offline] },
      },
      want: `work pool "k8s" has no online worker: "w1" was last seen 10m ago | ${start}`,
    },
    {
      given: { pool: { workers: [{ ...online, heartbeat_interval_seconds: 10 }] } },
      want: `work pool "k8s" has no online worker: "w1" was last seen 40s ago | ${start}`,
    },
    {
      given: { pool: { queues: [{ ...QUEUE, status: "NOT_READY" }] } },
      want: `no worker polls work queue "default" of work pool "k8s" | ${start} --work-queue default`,
    },
    {
      given: { pool: { concurrency_limit: 2 }, others: 2 },
      want: `the concurrency limit of work pool "k8s" is reached (2) | ${count}`,
    },
    {
      given: { pool: { queues: [{ ...QUEUE, concurrency_limit: 1 }] }, others: 1 },
      want: `the concurrency limit of work queue "default" of work pool "k8s" is reached (1) | ${count}`,
    },
    { given: { pool: { type: "process" } }, want: 'work pool "k8s" is of type process: its runs get no Job' },
    {
      given: { run: { work_pool_name: undefined } },
      want: "it has no work pool: the pool was deleted, or its deployment never had one | deploy the flow to a work pool and start a new run, or start the process that serves the deployment",
    },
    {
      given: { run: { work_pool_name: undefined, deployment_id: undefined } },
      want: "it has neither a deployment nor a work pool, so no worker takes it",
    },
    {
      given: { run: { state: { type: "SCHEDULED", name: "AwaitingConcurrencySlot" } } },
      want: "the concurrency limit of its deployment is reached",
    },
    {
      given: { run: { empirical_policy: { retry_type: "in_process" } }, pool: { is_paused: true } },
      want: "its own process is to run it again, and is not here",
    },
    {
      given: { pool: { concurrency_limit: 2 }, others: 1 },
      want: 'worker "w1" of work pool "k8s" takes such runs; its log tells why not yet',
    },
    {
      given: { pool: { type: "prefect-agent", workers: [], queues: [{ ...QUEUE, status: "NOT_READY" }] } },
      want: 'no agent polls work queue "default" of work pool "k8s" | start one with: prefect agent start --pool k8s --work-queue default',
    },
    {
      given: { pool: { type: "prefect-agent", workers: [] } },
      want: 'an agent of work pool "k8s" takes such runs; its log tells why not yet',
    },
  ])("waits: $want", async ({ given, want }) => {
    expect(await reasonOf(given)).toBe(want);
  });
});

describe("a run that was claimed", () => {
  const PENDING = { type: "PENDING" };
  const labels = { "prefect.worker.name": "w1" };
  const again = "no worker takes it again: if it has no Job anywhere, cancel it and start a new run";
  it.each([
    { given: { run: { state: PENDING } }, want: 'a worker of work pool "k8s" has claimed it' },
    { given: { run: { state: PENDING, labels } }, want: 'worker "w1" of work pool "k8s" has claimed it' },
    {
      given: { run: { state: PENDING, labels }, pool: { workers: [offline, { ...online, name: "w2" }] } },
      want: `worker "w1" of work pool "k8s" has claimed it, and is offline: "w1" was last seen 10m ago | ${again}`,
    },
    {
      given: { run: { state: PENDING }, pool: { workers: [] } },
      want: `a worker of work pool "k8s" has claimed it, and none is online | ${again}`,
    },
    {
      given: { run: { state: { type: "RUNNING" }, infrastructure_pid: "0a1b:prod:amber-fox-x1y2z" } },
      want: 'Job "amber-fox-x1y2z" in namespace "prod" was created for it',
    },
    { given: { run: { state: { type: "RUNNING" } } }, want: undefined },
  ])("is told: $want", async ({ given, want }) => {
    expect(await reasonOf(given)).toBe(want);
  });
});

describe("lateRuns", () => {
  it("reads those of Kubernetes pools and of none, not those that their own process runs again", async () => {
    const { fake, api } = await started();
    const put = (n: number, name: string, more: Partial<FakeFlowRun>): void =>
      fake.put({
        id: runId(n),
        name,
        state: { type: "SCHEDULED" },
        deployment_id: "d",
        next_scheduled_start_time: secondsAgo(300),
        ...more,
      });
    put(1, "late", { work_pool_name: "k8s" });
    put(2, "poolless", {});
    put(3, "by-process", { work_pool_name: "mine", work_pool_type: "process" });
    put(4, "soon", { work_pool_name: "k8s", next_scheduled_start_time: secondsAgo(30) });
    put(5, "retry", { work_pool_name: "k8s", empirical_policy: { retry_type: "in_process" } });
    put(6, "by-hand", { deployment_id: undefined });
    const found = await lateRuns(api, new Date(secondsAgo(60)));
    expect(found.map(({ name }) => name)).toEqual(["late", "poolless"]);
  });
});
