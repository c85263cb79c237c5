// Lines of many runs leave in one request; a run that Prefect does not know any more takes nobody's lines with it.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LogBatch } from "../../src/agent/log-batch.ts";
import { RunLogWriter } from "../../src/agent/launch/run-log.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { PrefectApi, RunLog } from "../../src/prefect1/api.ts";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";

const UNKNOWN = "00000000-0000-4000-8000-00000000dead";

let fake: FakePrefect1;
let prefect: PrefectApi;
let flow: { readonly id: string };

beforeAll(async () => {
  fake = await startFakePrefect1();
  flow = fake.createFlow({ name: "etl" });
  prefect = connectPrefect({ url: fake.url, backend: "server", timeoutMs: 5_000 }, { env: {} });
});
afterAll(async () => {
  prefect.close();
  await fake.stop();
});
beforeEach(() => fake.requests.clear());

const line = (flowRunId: string, message: string): RunLog => ({
  flowRunId,
  name: "agent",
  level: "INFO",
  message,
  timestamp: new Date(),
});

const messages = (id: string): unknown[] => fake.logsOf(id).map(({ message }) => message);

describe.each([
  ["supervise's lines", () => new LogBatch(prefect), (it_: LogBatch, one: RunLog) => it_.write([one])],
  [
    "launch's lines",
    () => new RunLogWriter({ prefect, clock: systemClock }),
    (it_: RunLogWriter, one: RunLog) => it_.say(one),
  ],
] as const)("%s", (_, make, write) => {
  const writer = (): ((one: RunLog) => Promise<void>) => {
    const made = make();
    return (one) => (write as (it_: unknown, one: RunLog) => Promise<void>)(made, one);
  };

  it("of several runs leave in one request", async () => {
    const ids = ["a", "b", "c"].map((name) => fake.createFlowRun({ flow, name }).id);
    const say = writer();
    await Promise.all(ids.map((id) => say(line(id, "hello"))));
    expect(ids.map((id) => messages(id))).toEqual([["hello"], ["hello"], ["hello"]]);
    expect(fake.requests.count("write_run_logs")).toBe(1);
  });

  it("reach their runs once each, though one of the runs is gone; only that one's writer hears of it", async () => {
    const ids = ["a", "b"].map((name) => fake.createFlowRun({ flow, name }).id);
    const say = writer();
    const outcomes = await Promise.allSettled([...ids, UNKNOWN].map((id) => say(line(id, "hello"))));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(ids.map((id) => messages(id))).toEqual([["hello"], ["hello"]]);
  });
});
