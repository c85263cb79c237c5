// Lazarus and the zombie killer, tick by tick.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1 } from "../fake-prefect1.ts";
import type { FlowSpec } from "../flows.ts";
import { graphql, setTaskState, StillClock } from "../client.ts";

let api: FakePrefect1;
let clock: StillClock;
const TEN_MINUTES = 600_000;

beforeEach(async () => {
  clock = new StillClock();
  api = await startFakePrefect1({ clock });
});

afterEach(() => api.stop());

function runIn(state: string, spec: Partial<FlowSpec> = {}): string {
  const flow = api.createFlow({ name: "f", tasks: [{ slug: "a-1", maxRetries: 1 }], ...spec });
  const { id } = api.createFlowRun({ flow });
  api.setState(id, { type: state });
  return id;
}

const taskOf = (run: string): string => api.taskRuns(run)[0]?.id ?? "";

describe("lazarus", () => {
  it("reschedules three times, then fails the run", () => {
    const run = runIn("Submitted");
    for (let attempt = 1; attempt <= 3; attempt++) {
      clock.forward(TEN_MINUTES);
      expect(api.lazarus()).toEqual([run]);
      expect(api.flowRun(run)).toMatchObject({ state: "Scheduled", times_resurrected: attempt });
      api.setState(run, { type: "Submitted" });
    }
    clock.forward(TEN_MINUTES);
    api.lazarus();
    expect(api.flowRun(run)?.state).toBe("Failed");
    expect(api.logsOf(run).map((line) => line.level)).toEqual(["INFO", "INFO", "INFO", "ERROR"]);
  });

  it("waits for ten minutes without a heartbeat", async () => {
    const run = runIn("Running");
    clock.forward(TEN_MINUTES - 1);
    expect(api.lazarus()).toEqual([]);
    await graphql(api, `mutation { update_flow_run_heartbeat(input: {flow_run_id: "${run}"}) { success } }`);
    clock.forward(1);
    expect(api.lazarus()).toEqual([]);
    clock.forward(TEN_MINUTES);
    expect(api.lazarus()).toEqual([run]);
  });

  it.each([{ lazarus_enabled: false }, { heartbeat_enabled: false }])("obeys %j", (groupSettings) => {
    runIn("Submitted", { groupSettings });
    clock.forward(TEN_MINUTES);
    expect(api.lazarus()).toEqual([]);
  });

  it("does not restart runs that wait for a task's retry", async () => {
    const run = runIn("Running");
    await setTaskState(api, taskOf(run), { type: "Retrying" });
    clock.forward(TEN_MINUTES);
    expect(api.lazarus()).toEqual([]);
  });
});

describe("zombieKiller", () => {
  it("retries a dead task as often as it may be, then fails it", async () => {
    const run = runIn("Running");
    for (const state of ["Retrying", "Failed"]) {
      await setTaskState(api, taskOf(run), { type: "Running" });
      clock.forward(TEN_MINUTES);
      expect(api.zombieKiller()).toEqual([taskOf(run)]);
      expect(api.taskRuns(run)[0]?.state).toBe(state);
    }
    expect(api.logsOf(run)).toHaveLength(2);
  });

  it("fails a Cancelling run whose process is gone", () => {
    const run = runIn("Cancelling");
    expect(api.zombieKiller()).toEqual([]);
    clock.forward(TEN_MINUTES);
    expect(api.zombieKiller()).toEqual([run]);
    expect(api.flowRun(run)?.state_message).toBe(
      "No heartbeat detected from the flow run; marking the run as failed.",
    );
  });
});
