// Lines of many runs are sent in one request; a deleted run does not prevent the lines of others.

import type { RunLog } from "../../src/orchestrator/run-reporter.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RunLogWriter } from "../../src/agent/run-log.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Prefect1Client } from "../../src/prefect1/client.ts";
import { prefect1Reporter } from "../../src/prefect1/run-reporter.ts";
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

function newWriter(clock = systemClock, log = silentLog): RunLogWriter {
  return new RunLogWriter({ runs: prefect1Reporter(prefect, clock), clock, log });
}

describe.each(["write", "writeUntilAccepted"] as const)("%s", (method) => {
  function writer(): (line: RunLog) => Promise<void> {
    const runLog = newWriter();
    return (one) => (method === "write" ? runLog.write([one]) : runLog.writeUntilAccepted(one));
  }

  it("sends the lines of several runs in one request", async () => {
    const ids = ["a", "b", "c"].map((name) => fake.createFlowRun({ flow, name }).id);
    const write = writer();
    await Promise.all(ids.map((id) => write(line(id, "hello"))));
    expect(ids.map((id) => messages(id))).toEqual([["hello"], ["hello"], ["hello"]]);
    expect(fake.requests.count("write_run_logs")).toBe(1);
  });

  it("writes each run's line once when another run was deleted", async () => {
    const ids = ["a", "b"].map((name) => fake.createFlowRun({ flow, name }).id);
    const write = writer();
    const outcomes = await Promise.allSettled([...ids, UNKNOWN].map((id) => write(line(id, "hello"))));
    const ofDeleted = method === "write" ? "rejected" : "fulfilled";
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", ofDeleted]);
    expect(ids.map((id) => messages(id))).toEqual([["hello"], ["hello"]]);
  });
});

describe("writeUntilAccepted", () => {
  it("writes a line once when the response was lost", async () => {
    const { id } = fake.createFlowRun({ flow, name: "a" });
    fake.fault({ effect: { kind: "cut", when: "after" }, nth: 1 });
    const hurried = { ...systemClock, sleep: () => Promise.resolve() };
    await newWriter(hurried).writeUntilAccepted(line(id, "hello"));
    expect(messages(id)).toEqual(["hello"]);
  });

  it("leaves out a line that Prefect refuses for good, and warns of it", async () => {
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    await newWriter(systemClock, log).writeUntilAccepted(line(UNKNOWN, "hello"));
    expect(warnings).toEqual(["Prefect refuses lines of a run's log"]);
  });
});
