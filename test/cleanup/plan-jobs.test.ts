// Which Jobs of one flow run cleanup deletes.

import { describe, expect, it } from "vitest";
import { planCleanup } from "../../src/cleanup/plan.ts";
import type { InventoryRun } from "../../src/inventory/inventory.ts";
import type { RunStatus, StateType } from "../../src/orchestrator/flow-run.ts";
import { ago, inventoryRun, job, known, NOW, observedJob, pod, RUN_A } from "../dask/samples.ts";

const OPTIONS = { olderThanMs: 600_000, jobs: true, dask: true, orphansOnly: false, runs: undefined };
const OF_AGENT = { labels: { "prefect.io/identifier": "1a2b3c4d" } };
const OF_WORKER = { labels: { "prefect.io/version": "3.8.8" } };

function planned(run: InventoryRun) {
  const { items, kept } = planCleanup({ runs: [run], unownedDask: [], warnings: [] }, OPTIONS, NOW);
  return {
    deletes: items.map(({ resource, reason }) => `${resource}: ${reason}`),
    keeps: kept.map(({ reason }) => reason),
  };
}

describe("finished Jobs", () => {
  it.each<{
    name: string;
    run?: Partial<InventoryRun>;
    labels?: Readonly<Record<string, string>>;
    newer: Parameters<typeof job>[2];
    deletes: string[];
  }>([
    { name: "deletes one that has a newer Job", newer: OF_AGENT, deletes: ["jobs: finished"] },
    {
      name: "deletes one whose newer Job has finished too",
      newer: { ...OF_AGENT, ended: "Failed" },
      deletes: ["jobs: finished"],
    },
    { name: "keeps one that has only a Job by the flow itself", newer: {}, deletes: [] },
    {
      name: "keeps one whose newer Job is being deleted",
      newer: { ...OF_AGENT, deletionTimestamp: ago(1) },
      deletes: [],
    },
    {
      name: "keeps one that has only an older Job",
      newer: { ...OF_AGENT, creationTimestamp: ago(90) },
      deletes: [],
    },
    { name: "keeps one that the flow itself made", labels: {}, newer: OF_AGENT, deletes: [] },
    {
      name: "deletes one of Prefect 3 that has a newer Job",
      run: { prefectVersion: 2 },
      ...OF_WORKER,
      newer: OF_WORKER,
      deletes: ["jobs: finished"],
    },
    {
      name: "keeps one of Prefect 3 that has only a Job by the flow itself",
      run: { prefectVersion: 2 },
      ...OF_WORKER,
      newer: {},
      deletes: [],
    },
    {
      name: "deletes one that has a newer Job although its Prefect does not answer",
      run: { status: { kind: "unknown" }, unread: true },
      newer: OF_AGENT,
      deletes: ["jobs: finished"],
    },
  ])("of finished Jobs of a running run $name", ({ run, labels = OF_AGENT.labels, newer, deletes }) => {
    const jobs = [
      observedJob(job("old", RUN_A, { ended: "Failed", labels })),
      observedJob(
        job("new", RUN_A, { creationTimestamp: ago(50), labels: {}, endedMinutesAgo: 1, ...newer }),
      ),
    ];
    const { deletes: found } = planned(inventoryRun(RUN_A, { status: known("Running"), jobs, ...run }));
    expect(found).toEqual(deletes);
  });

  it.each<[StateType, string]>([
    ["scheduled", "Late"],
    ["scheduled", "AwaitingRetry"],
    ["paused", "Suspended"],
    ["cancelling", "Cancelling"],
  ])("keeps a finished Job of a run that is %s (%s)", (type, name) => {
    const status: RunStatus = { kind: "known", state: { type, name } };
    const jobs = [observedJob(job("j", RUN_A, { ended: "Failed" }))];
    expect(planned(inventoryRun(RUN_A, { status, jobs })).keeps).toEqual([
      `failed, but its flow run is still ${name}`,
    ]);
  });
});

describe("a Job with a pod that is to be kept", () => {
  it.each<{ name: string; of: Parameters<typeof job>[2] }>([
    { name: "finished", of: { ended: "Complete" } },
    { name: "unfinished", of: {} },
  ])("is kept, for it would take the pod with it: $name", ({ of }) => {
    const jobs = [
      observedJob(job("j", RUN_A, of), [pod("p", { annotations: { "prefect.io/keep": "true" } })]),
    ];
    expect(planned(inventoryRun(RUN_A, { status: known("Success"), jobs }))).toEqual({
      deletes: [],
      keeps: ['its pod "p" is annotated prefect.io/keep'],
    });
  });
});
