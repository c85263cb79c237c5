// Lines of many runs leave in one request; a run that Prefect does not know any more takes nobody's lines with it.

import type { RunLog } from "../../src/orchestrator/run-log.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RunLogWriter } from "../../src/agent/run-log.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Prefect1Client } from "../../src/prefect1/client.ts";
import { Prefect1RunReporter } from "../../src/prefect1/run-reporter.ts";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";

const UNKNOWN = "00000000-0000-4000-8000-00000000dead";

let fake: FakePrefect1;
let prefect: Prefect1Client;
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

describe.each(["write", "writeUntilAccepted"] as const)("lines sent with %s", (how) => {
  function writer(): (one: RunLog) => Promise<void> {
    const made = new RunLogWriter(new Prefect1RunReporter(prefect, systemClock), systemClock);
    return (one) => (how === "write" ? made.write([one]) : made.writeUntilAccepted(one));
  }

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

describe("a line whose answer was lost", () => {
  it("is written once", async () => {
    const { id } = fake.createFlowRun({ flow, name: "a" });
    fake.fault({ effect: { kind: "cut", when: "after" }, nth: 1 });
    const hurried = { ...systemClock, sleep: () => Promise.resolve() };
    const writer = new RunLogWriter(new Prefect1RunReporter(prefect, hurried), hurried);
    await writer.writeUntilAccepted(line(id, "hello"));
    expect(messages(id)).toEqual(["hello"]);
  });
});
