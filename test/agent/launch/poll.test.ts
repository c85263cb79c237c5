// The poll loop: when it polls again, and which runs it launches.

import { describe, expect, it } from "vitest";
import { clockOf } from "../../support/clock.ts";
import { Outage } from "../../../src/agent/outage.ts";
import { InFlight } from "../../../src/agent/launch/in-flight.ts";
import { Poller } from "../../../src/agent/launch/poll.ts";
import { Submitter } from "../../../src/agent/launch/submit.ts";
import { RunLogWriter } from "../../../src/agent/run-log.ts";
import type { SharedState } from "../../../src/agent/shared-state.ts";
import { noMetrics } from "../../support/no-metrics.ts";
import { silentLog } from "../../../src/base/log.ts";
import { PrefectError } from "../../../src/orchestrator/errors.ts";
import type { RunState } from "../../../src/orchestrator/flow-run.ts";
import type { DueRun } from "../../../src/orchestrator/work-source.ts";

const PAGE = 25;
const IDS = Array.from({ length: 2 * PAGE }, (_, n) => `00000000-0000-4000-8000-0000000000${10 + n}`);
const SCHEDULED: RunState = { type: "scheduled", name: "Scheduled", version: 1 };
const RUNNING: RunState = { type: "running", name: "Running", version: 1 };

interface Given {
  readonly ids: readonly string[];
  readonly state?: RunState;
  /** Whether each run has a live Job. */
  readonly live?: boolean;
  readonly isLost?: boolean;
  readonly failure?: PrefectError;
  readonly polls?: number;
}

function dueRun(id: string, { state = SCHEDULED, isLost = false }: Given): DueRun {
  const job = { metadata: { name: `job-${id}`, labels: {} } } as never;
  const submission = {
    flowRunId: id,
    identifiers: ["a"],
    isFirst: true,
    prepare: () => Promise.resolve(),
    build: () => Promise.resolve(job),
    isCurrent: () => Promise.resolve(true),
  };
  const claim = isLost ? "lost" : submission;
  return { id, name: undefined, state, startAt: undefined, claim: () => Promise.resolve(claim) };
}

/** Polls this often; returns the waits between polls, in milliseconds, and the number of created Jobs. */
async function poll(given: Given): Promise<{ waits: number[]; jobs: number }> {
  const waits: number[] = [];
  let [jobs, pages] = [0, 0];
  /** Prefect returns the same runs each time, or the next page if there are several. */
  const page = (): readonly string[] =>
    given.ids.length <= PAGE ? given.ids : given.ids.slice(PAGE * pages, PAGE * ++pages);
  const clock = clockOf({
    now: () => new Date("2026-11-21T00:00:00Z"),
    sleep: (ms: number) => Promise.resolve(void waits.push(ms)),
  });
  const runs = { writeLogs: () => Promise.resolve(), messages: () => Promise.resolve([]) };
  const deps = {
    clock,
    kubeTime: clock,
    prefectTime: clock,
    pause: { pauses: 0 },
    log: silentLog,
    metrics: noMetrics,
    kube: { create: () => Promise.resolve(jobs++ < 0 ? "exists" : "created") },
    runs,
    work: {
      fault: () => undefined,
      due: () => {
        if (given.failure !== undefined) return Promise.reject(given.failure);
        const ids = page();
        const hasMore = ids.length === PAGE;
        return Promise.resolve({ runs: ids.map((id) => dueRun(id, given)), hasMore });
      },
    },
  };
  const view = {
    liveJobOf: () => (given.live === true ? {} : undefined),
    liveJobs: () => 0,
    jobNamed: () => undefined,
  };
  const settings = { name: "agent", labels: [], concurrency: 4, maxPolls: given.polls ?? 3 };
  const inFlight = new InFlight(clock);
  const states = { read: () => Promise.reject(new Error("no state is needed")) };
  // With its own clock: its waits are not the poll's.
  const runLog = new RunLogWriter({ runs, clock: clockOf({ now: () => clock.now() }), log: silentLog });
  const outage = new Outage("Prefect API", { log: silentLog, clock });
  const parts = { ...deps, settings, view, inFlight, states, runLog, outage } as unknown as SharedState;
  const submitter = new Submitter(parts);
  await new Poller({ ...parts, submitter }).run(new AbortController().signal);
  await inFlight.drained();
  return { waits, jobs };
}

describe("the poll loop", () => {
  it("waits as Prefect Core does while nothing is due: up to ten seconds", async () => {
    const { waits } = await poll({ ids: [], polls: 8 });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  it("polls again after a quarter of a second when it found something", async () => {
    expect(await poll({ ids: IDS.slice(0, 1), polls: 1 })).toEqual({ waits: [250], jobs: 1 });
  });

  it("polls again at once while pages are full", async () => {
    expect(await poll({ ids: IDS, polls: 2 })).toEqual({ waits: [], jobs: 50 });
  });

  it.each([
    { name: "of runs that other agents claim", given: { isLost: true } },
    { name: "of Running runs with live Jobs", given: { live: true, state: RUNNING } },
  ])("does not poll at once after a full page $name", async ({ given }) => {
    expect(await poll({ ids: IDS.slice(0, PAGE), ...given })).toEqual({
      waits: [500, 1_000, 2_000],
      jobs: 0,
    });
  });

  it("waits as long as the API asks", async () => {
    const failure = new PrefectError("ask", "busy", { failure: "overloaded", retryAfterMs: 60_000 });
    const { waits } = await poll({ ids: [], failure, polls: 1 });
    expect(waits[0]).toBe(60_000);
  });

  it("rides out a rejection: only credentials that are refused for a minute end the agent", async () => {
    const failure = new PrefectError("ask", "no", { failure: "unauthorized" });
    await expect(poll({ ids: [], failure, polls: 9 })).resolves.toMatchObject({ jobs: 0 });
  });
});
