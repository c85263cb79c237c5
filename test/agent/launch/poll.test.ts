// The poll loop: how soon it asks again, and for what.

import { describe, expect, it } from "vitest";
import type { ClusterView } from "../../../src/agent/cluster-view.ts";
import type { AgentDeps } from "../../../src/agent/deps.ts";
import { Launcher } from "../../../src/agent/launch/poll.ts";
import { silentMeter } from "../../../src/agent/server/progress.ts";
import type { AgentSettings } from "../../../src/agent/settings.ts";
import { silentLog } from "../../../src/base/log.ts";
import { defaultTemplate } from "../../../src/prefect1/build/template.ts";
import { PrefectError } from "../../../src/prefect1/errors.ts";
import type { FlowRun } from "../../../src/prefect1/flow-run.ts";
import { flowRun, SETTINGS } from "../../prefect1/build/support.ts";

const PAGE = 25;
const IDS = Array.from({ length: 2 * PAGE }, (_, n) => `00000000-0000-4000-8000-0000000000${10 + n}`);

interface Given {
  readonly runs: readonly FlowRun[];
  /** Runs with a living Job. */
  readonly live?: boolean;
  readonly outcome?: "claimed" | "taken";
  readonly failure?: PrefectError;
  readonly polls?: number;
}

/** Plays so many polls; answers the waits between them, in milliseconds, and the Jobs that were made. */
async function play(given: Given): Promise<{ waits: number[]; jobs: number }> {
  const waits: number[] = [];
  let [jobs, pages] = [0, 0];
  /** The queue shows the same runs again and again, or the next ones where there are more than a page. */
  const page = (): readonly FlowRun[] =>
    given.runs.length <= PAGE ? given.runs : given.runs.slice(PAGE * pages, PAGE * ++pages);
  const ask = <T>(answer: T): Promise<T> =>
    given.failure === undefined ? Promise.resolve(answer) : Promise.reject(given.failure);
  const deps = {
    clock: {
      now: () => new Date("2026-11-21T00:00:00Z"),
      sleep: (ms: number) => Promise.resolve(void waits.push(ms)),
    },
    log: silentLog,
    meter: silentMeter,
    newClaimId: () => "claim",
    loadTemplate: () => Promise.resolve(defaultTemplate()),
    kube: { create: () => Promise.resolve(jobs++ < 0 ? "exists" : "created") },
    prefect: {
      queuedFlowRunIds: () => ask(page().map(({ id }) => id)),
      dueFlowRunIds: () => ask([]),
      launchableFlowRuns: (ids: readonly string[]) =>
        ask({ runs: given.runs.filter(({ id }) => ids.includes(id)), unreadable: [] }),
      claim: (claims: readonly unknown[]) => Promise.resolve(claims.map(() => given.outcome ?? "claimed")),
      writeLogs: () => Promise.resolve(),
    },
  } as unknown as AgentDeps;
  const view = {
    liveJobOf: () => (given.live === true ? {} : undefined),
    liveJobs: () => 0,
    showsJob: () => false,
  };
  const settings = { job: SETTINGS, labels: [], concurrency: 4, maxPolls: given.polls ?? 3, owner: "me:1" };
  const launcher = new Launcher(deps, settings as unknown as AgentSettings, view as unknown as ClusterView);
  await launcher.run(new AbortController().signal);
  await launcher.inFlight.drained();
  return { waits, jobs };
}

describe("the poll loop", () => {
  it("waits as Core does while nothing is found: up to ten seconds", async () => {
    const { waits } = await play({ runs: [], polls: 8 });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  it("asks again after a quarter of a second when it found something", async () => {
    expect(await play({ runs: [flowRun()], polls: 1 })).toEqual({ waits: [250], jobs: 1 });
  });

  it("asks again at once while pages are full", async () => {
    const runs = IDS.map((id) => flowRun({ id }));
    expect(await play({ runs, polls: 2 })).toEqual({ waits: [], jobs: 50 });
  });

  it.each([
    { name: "of runs that others take", given: { outcome: "taken" as const }, state: "Scheduled" },
    { name: "of Running runs whose Jobs live", given: { live: true }, state: "Running" },
  ])("does not spin on a full page $name", async ({ given, state }) => {
    const runs = IDS.slice(0, PAGE).map((id) => flowRun({ id, state }));
    expect(await play({ runs, ...given })).toEqual({ waits: [500, 1_000, 2_000], jobs: 0 });
  });

  it("waits as long as the API asks", async () => {
    const failure = new PrefectError("ask", "busy", { failure: "overloaded", retryAfterMs: 60_000 });
    const { waits } = await play({ runs: [], failure, polls: 1 });
    expect(waits[0]).toBe(60_000);
  });

  it("ends with a refusal that lasts", async () => {
    const failure = new PrefectError("ask", "no", { failure: "unauthorized" });
    await expect(play({ runs: [], failure, polls: 9 })).rejects.toBe(failure);
  });
});
