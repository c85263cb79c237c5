// Lines about a failed Job: written by one process while another one may take the Job over.

import { afterAll, beforeAll, expect, it } from "vitest";
import { RunLogWriter, LOGGER } from "../../../src/agent/run-log.ts";
import type { SharedState } from "../../../src/agent/shared-state.ts";
import { ReportedLog } from "../../../src/agent/supervise/reported-log.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { connectPrefect } from "../../../src/prefect1/connect.ts";
import { prefect1Reporter } from "../../../src/prefect1/run-reporter.ts";
import { startFakePrefect1, type FakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";

let fake: FakePrefect1;

beforeAll(async () => {
  fake = await startFakePrefect1();
});
afterAll(() => fake.stop());

it("a line that another process wrote while the kubelet was asked for the log's end is not written again", async () => {
  const client = connectPrefect({ url: fake.url, backend: "server", timeoutMs: 5_000 }, { env: {} });
  const runs = prefect1Reporter(client, systemClock);
  const { id } = fake.createFlowRun({ flow: fake.createFlow({ name: "etl" }) });
  const entry = { key: "Job a", level: "ERROR", message: "Job a: failed", timestamp: new Date() } as const;
  let isOwner = true;
  const kube = {
    // The other process takes the Job over and reports it.
    streamPodLog: async () => {
      if (isOwner) await runs.writeLogs([{ ...entry, flowRunId: id, name: LOGGER }]);
      isOwner = false;
      return undefined;
    },
  };
  const runLog = new RunLogWriter({ runs, clock: systemClock, log: silentLog });
  const settings = { namespace: "default" };
  const metrics = { count: () => undefined };
  const deps = { kube, runs, runLog, settings, metrics, clock: systemClock } as unknown as SharedState;
  const reported = new ReportedLog(deps);
  const entries = [{ ...entry, tail: { pod: "a", container: "flow", previous: false } }];
  await reported.write({ flowRunId: id, entries, isOnlyWriter: () => isOwner });
  expect(fake.logsOf(id).map(({ message }) => message)).toEqual(["Job a: failed"]);
  client.close();
});
