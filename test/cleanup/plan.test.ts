// What goes and what stays, decided from an inventory alone.

import type { RunStatus } from "../../src/orchestrator/flow-run.ts";
import { describe, expect, it } from "vitest";
import { planCleanup } from "../../src/cleanup/plan.ts";
import type { PlanOptions } from "../../src/cleanup/plan.ts";
import { findClusters } from "../../src/dask/find-clusters.ts";
import type { DaskObjects } from "../../src/dask/find-clusters.ts";
import type { Inventory, InventoryRun } from "../../src/inventory/inventory.ts";
import type { ObservedJob } from "../../src/job/observe/observed.ts";
import {
  ago,
  budget,
  classic,
  daskCluster,
  job,
  jobPrint,
  known,
  nameFor,
  NOW,
  pod,
  RUN_A,
  RUN_B,
  runPrint,
  service,
} from "../dask/samples.ts";

const OPTIONS: PlanOptions = {
  olderThanMs: 600_000,
  jobs: true,
  dask: true,
  orphansOnly: false,
  runs: undefined,
  apis: [],
};
const KEEP = { annotations: { "prefect.io/keep": "true" } };
const CLUSTER = "dask-root-03d5b8bb-0";

function inventoryOf(runs: readonly InventoryRun[], objects: Partial<DaskObjects> = {}): Inventory {
  const prints = findClusters({ pods: [], services: [], budgets: [], clusters: [], ...objects }, runs);
  return {
    runs: runs.map((run) => ({
      ...run,
      dask: prints.filter(({ owner }) => owner?.flowRunId === run.flowRunId),
    })),
    unownedDask: prints.filter(({ owner }) => !runs.some(({ flowRunId }) => flowRunId === owner?.flowRunId)),
    warnings: [],
  };
}

function planned(inventory: Inventory, options: Partial<PlanOptions> = {}) {
  const { items, kept } = planCleanup(inventory, { ...OPTIONS, ...options }, NOW);
  return {
    goes: items.map(({ resource, reason: ground }) => `${resource}: ${ground}`),
    stays: kept.map(({ reason: why }) => why),
  };
}

/** Another run that the API knows, so that a missing one counts as deleted. */
const KNOWN = runPrint(RUN_B, { status: known("Running") });

describe("Jobs", () => {
  it.each<{ name: string; job: ObservedJob; run: RunStatus; goes: string[]; stays: string[] }>([
    {
      name: "a Job that completed",
      job: jobPrint(job("j", RUN_A, { ended: "Complete" })),
      run: known("Success"),
      goes: ["jobs: finished"],
      stays: [],
    },
    {
      name: "a Job that failed",
      job: jobPrint(job("j", RUN_A, { ended: "Failed" })),
      run: known("Failed"),
      goes: ["jobs: finished"],
      stays: [],
    },
    {
      name: "a finished Job without a Prefect API",
      job: jobPrint(job("j", RUN_A, { ended: "Failed" })),
      run: { kind: "unknown" },
      goes: ["jobs: finished"],
      stays: [],
    },
    {
      name: "a Job that finished a moment ago",
      job: jobPrint(job("j", RUN_A, { ended: "Complete", endedMinutesAgo: 9 })),
      run: known("Success"),
      goes: [],
      stays: ["succeeded only 9m ago"],
    },
    {
      name: "a finished Job whose run goes on",
      job: jobPrint(job("j", RUN_A, { ended: "Failed" })),
      run: known("Running"),
      goes: [],
      stays: ["failed, but its flow run is still Running"],
    },
    {
      name: "a finished Job that is to be kept",
      job: jobPrint(job("j", RUN_A, { ended: "Complete", ...KEEP })),
      run: known("Success"),
      goes: [],
      stays: ["annotated prefect.io/keep"],
    },
    {
      name: "a Job that is being deleted",
      job: jobPrint(job("j", RUN_A, { ended: "Complete", deletionTimestamp: ago(1) })),
      run: known("Success"),
      goes: [],
      stays: [],
    },
    {
      name: "a living Job of a cancelled run",
      job: jobPrint(job("j", RUN_A)),
      run: known("Cancelled"),
      goes: ["jobs: orphaned"],
      stays: [],
    },
    {
      name: "a living Job of a run that was just cancelled",
      job: jobPrint(job("j", RUN_A)),
      run: known("Cancelled", 5),
      goes: [],
      stays: ["its flow run is Cancelled, only since 5m"],
    },
    {
      name: "a living Job of a running run",
      job: jobPrint(job("j", RUN_A)),
      run: known("Running"),
      goes: [],
      stays: ["not over, its flow run is Running"],
    },
    {
      name: "a living Job of a run that is ending",
      job: jobPrint(job("j", RUN_A)),
      run: known("Cancelling"),
      goes: [],
      stays: ["not over, its flow run is Cancelling"],
    },
    {
      name: "a living Job without a Prefect API",
      job: jobPrint(job("j", RUN_A)),
      run: { kind: "unknown" },
      goes: [],
      stays: ["not over, the state of its flow run is not known"],
    },
    {
      name: "a living Job of a deleted run",
      job: jobPrint(job("j", RUN_A)),
      run: { kind: "missing" },
      goes: ["jobs: orphaned"],
      stays: [],
    },
    {
      name: "a young Job of a deleted run",
      job: jobPrint(job("j", RUN_A, { creationTimestamp: ago(5) })),
      run: { kind: "missing" },
      goes: [],
      stays: ["its flow run no longer exists in Prefect, only since 5m"],
    },
  ])("judges $name", ({ job: print, run, goes, stays }) => {
    const plan = planned(inventoryOf([runPrint(RUN_A, { status: run, jobs: [print] }), KNOWN]));
    expect(plan).toEqual({ goes, stays });
  });

  it("lets a finished Job of a running run go when the run has a newer one", () => {
    const jobs = [jobPrint(job("old", RUN_A, { ended: "Failed" })), jobPrint(job("new", RUN_A))];
    expect(planned(inventoryOf([runPrint(RUN_A, { status: known("Running"), jobs })])).goes).toEqual([
      "jobs: finished",
    ]);
  });

  it("does not believe an API that knows none of the runs", () => {
    const run = runPrint(RUN_A, { status: { kind: "missing" }, jobs: [jobPrint(job("j", RUN_A))] });
    expect(planned(inventoryOf([run]))).toEqual({
      goes: [],
      stays: ["not over, Prefect knows none of the flow runs here; is it their API?"],
    });
  });

  it.each([
    { api: "http://apollo:4200", asked: "http://apollo:4200/graphql", goes: ["jobs: orphaned"] },
    { api: "http://apollo:4200", asked: "http://other:4200", goes: [] },
    { api: "https://api.prefect.io", asked: "https://api.prefect.io", goes: [] },
  ])("believes $asked that a run of $api was deleted: $goes", ({ api, asked, goes }) => {
    const env = { PREFECT__CLOUD__API: api };
    const run = runPrint(RUN_A, { status: { kind: "missing" }, jobs: [jobPrint(job("j", RUN_A, { env }))] });
    expect(planned(inventoryOf([run]), { apis: [asked] }).goes).toEqual(goes);
  });

  it("never takes a living Job whose label cannot be a flow run's id for a deleted run's", () => {
    const run = runPrint("nightly", { status: { kind: "missing" }, jobs: [jobPrint(job("j", "nightly"))] });
    expect(planned(inventoryOf([run, KNOWN]))).toEqual({
      goes: [],
      stays: ["not over, its label names no flow run"],
    });
  });
});

describe("finished Dask pods", () => {
  it.each<{ name: string; given: Parameters<typeof classic>[1]; goes: string[]; stays: string[] }>([
    { name: "Completed", given: { phase: "Succeeded" }, goes: ["pods: finished"], stays: [] },
    { name: "Failed", given: { phase: "Failed" }, goes: ["pods: finished"], stays: [] },
    {
      name: "Completed a moment ago",
      given: { phase: "Succeeded", endedMinutesAgo: 2 },
      goes: [],
      stays: ["Completed only 2m ago"],
    },
    {
      name: "Completed, and to be kept",
      given: { phase: "Succeeded", ...KEEP },
      goes: [],
      stays: ["annotated prefect.io/keep"],
    },
    {
      name: "Completed, of a controller",
      given: {
        phase: "Succeeded",
        ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "p", controller: true }],
      },
      goes: [],
      stays: ["Completed, but a controller looks after it"],
    },
    {
      name: "Running, of nobody",
      given: {},
      goes: [],
      stays: ["at work, and nothing tells for which flow run"],
    },
  ])("judges one that is $name", ({ given, goes, stays }) => {
    expect(planned(inventoryOf([], { pods: [classic(CLUSTER, given)] }))).toEqual({ goes, stays });
  });
});

describe("Dask clusters at work", () => {
  const name = nameFor(RUN_A);
  const whole = (cluster = name): Partial<DaskObjects> => ({
    pods: [classic(cluster), classic(cluster, { role: "scheduler" })],
    services: [service(cluster)],
    budgets: [budget(cluster)],
  });
  const over = runPrint(RUN_A, { status: known("Failed") });

  it("go with all their parts, workers first and the Service last, when their run is over", () => {
    const { items } = planCleanup(inventoryOf([over], whole()), OPTIONS, NOW);
    expect(items.map(({ resource, reason: ground, order }) => [resource, ground, order])).toEqual([
      ["pods", "orphaned", 1],
      ["pods", "orphaned", 2],
      ["poddisruptionbudgets", "orphaned", 3],
      ["services", "orphaned", 4],
    ]);
  });

  it.each<{ name: string; run: InventoryRun; objects?: Partial<DaskObjects>; why: string }>([
    {
      name: "is running",
      run: runPrint(RUN_A, { status: known("Running") }),
      why: "at work, its flow run is Running",
    },
    {
      name: "is over only now",
      run: runPrint(RUN_A, { status: known("Failed", 3) }),
      why: "its flow run is Failed, but it changed 3m ago",
    },
    { name: "is unknown", run: runPrint(RUN_A), why: "at work, the state of its flow run is not known" },
    {
      name: "has a living pod",
      run: runPrint(RUN_A, {
        status: known("Failed"),
        jobs: [jobPrint(job("j", RUN_A, { ended: "Failed", endedMinutesAgo: 1 }), [pod("p")])],
      }),
      why: "at work, and a pod of its flow run still lives",
    },
    {
      name: "is only guessed",
      run: runPrint(RUN_A, {
        status: known("Failed"),
        jobs: [
          jobPrint(job("j", RUN_A, { ended: "Failed", ...KEEP }), [
            pod("p", { phase: "Failed", creationTimestamp: ago(90) }),
          ]),
        ],
      }),
      objects: { pods: [classic(CLUSTER)] },
      why: "at work, and it is only a guess for which flow run",
    },
    {
      name: "still makes pods",
      run: over,
      objects: { pods: [classic(name), classic(name, { creationTimestamp: ago(2) })] },
      why: "its flow run is Failed, but it changed 2m ago",
    },
  ])("stay when their run $name", ({ run, objects, why }) => {
    const plan = planned(inventoryOf([run], objects ?? whole()));
    expect(plan.goes).toEqual([]);
    expect(plan.stays).toContain(why);
  });

  it("go together with the Job that keeps their run's last pod alive", () => {
    const print = job("j", RUN_A);
    const own = pod("p", {
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name: "j", uid: print.metadata.uid, controller: true },
      ],
    });
    const run = runPrint(RUN_A, { status: known("Cancelled"), jobs: [jobPrint(print, [own])] });
    const goes = ["jobs: orphaned", "pods: orphaned"];
    expect(planned(inventoryOf([run], { pods: [classic(name)] })).goes).toEqual(goes);
    expect(planned(inventoryOf([run], { pods: [classic(name)] }), { jobs: false }).goes).toEqual([]);
  });

  it("of a restarted run: the one goes whose pod is gone, the new one stays", () => {
    const run = runPrint(RUN_A, {
      status: known("Running", 40),
      jobs: [jobPrint(job("j", RUN_A), [pod("second", { creationTimestamp: ago(40) })])],
    });
    const pods = [
      classic(nameFor(RUN_A, "11111111-1"), { creationTimestamp: ago(80) }),
      classic(nameFor(RUN_A, "22222222-2"), { creationTimestamp: ago(39) }),
    ];
    const { items, kept } = planCleanup(inventoryOf([run], { pods }), OPTIONS, NOW);
    expect(items.map(({ reason: ground, cluster }) => [ground, cluster])).toEqual([
      ["replaced", nameFor(RUN_A, "11111111-1")],
    ]);
    expect(kept.map(({ reason: why }) => why)).toContain("at work, its flow run is Running");
  });

  it("of the operator go by their DaskCluster alone", () => {
    const labels = { "dask.org/workergroup-name": "default" };
    const objects = { clusters: [daskCluster(name)], pods: [classic(name, { labels })] };
    expect(planned(inventoryOf([over], objects)).goes).toEqual(["daskclusters: orphaned"]);
  });

  it("of dask-gateway stay whatever they do", () => {
    const worker = pod("w", { phase: "Succeeded", labels: { "gateway.dask.org/cluster": "abc" } });
    expect(planned(inventoryOf([], { pods: [worker] }))).toEqual({
      goes: [],
      stays: ["dask-gateway looks after it"],
    });
  });
});

describe("Services and budgets without pods", () => {
  it("go when no pod is left, or the last ones go too", () => {
    const objects = { services: [service(CLUSTER)], budgets: [budget(CLUSTER)] };
    expect(planned(inventoryOf([], objects)).goes).toEqual([
      "poddisruptionbudgets: no-pods",
      "services: no-pods",
    ]);
    const last = { ...objects, pods: [classic(CLUSTER, { phase: "Succeeded" })] };
    expect(planned(inventoryOf([], last)).goes).toEqual([
      "pods: finished",
      "poddisruptionbudgets: no-pods",
      "services: no-pods",
    ]);
  });

  it.each<{
    name: string;
    objects: Partial<DaskObjects>;
    runs?: InventoryRun[];
    options?: Partial<PlanOptions>;
    why: string;
  }>([
    {
      name: "young",
      objects: { services: [service(CLUSTER, { creationTimestamp: ago(3) })] },
      why: "without pods, but only 3m old",
    },
    {
      name: "in front of a pod that stays",
      objects: {
        services: [service(CLUSTER)],
        pods: [classic(CLUSTER, { phase: "Succeeded", endedMinutesAgo: 1 })],
      },
      why: "a pod of its cluster stays",
    },
    {
      name: "of a run that goes on",
      objects: { services: [service(nameFor(RUN_A))] },
      runs: [runPrint(RUN_A, { status: known("Running") })],
      why: "its flow run is Running",
    },
    {
      name: "in front of finished pods that --orphans leaves",
      objects: { services: [service(CLUSTER)], pods: [classic(CLUSTER, { phase: "Succeeded" })] },
      options: { orphansOnly: true },
      why: "a pod of its cluster stays",
    },
  ])("stay when $name", ({ objects, runs = [], options = {}, why }) => {
    const plan = planned(inventoryOf(runs, objects), options);
    expect(plan.goes).toEqual([]);
    expect(plan.stays).toContain(why);
  });
});

describe("options", () => {
  const runs = [
    runPrint(RUN_A, {
      status: known("Success"),
      jobs: [jobPrint(job("a", RUN_A, { ended: "Complete" })), jobPrint(job("alive", RUN_A))],
    }),
    runPrint(RUN_B, {
      status: known("Success"),
      jobs: [jobPrint(job("b", RUN_B, { ended: "Complete", endedMinutesAgo: 90 }))],
    }),
  ];
  const inventory = inventoryOf(runs, { pods: [classic(nameFor(RUN_B), { phase: "Succeeded" })] });

  it.each<{ name: string; options: Partial<PlanOptions>; goes: string[] }>([
    {
      name: "all",
      options: {},
      goes: ["jobs: finished", "jobs: orphaned", "jobs: finished", "pods: finished"],
    },
    {
      name: "--jobs",
      options: { dask: false },
      goes: ["jobs: finished", "jobs: orphaned", "jobs: finished"],
    },
    { name: "--dask", options: { jobs: false }, goes: ["pods: finished"] },
    { name: "--orphans", options: { orphansOnly: true }, goes: ["jobs: orphaned"] },
    { name: "--older-than 1h", options: { olderThanMs: 3_600_000 }, goes: ["jobs: finished"] },
    { name: "--run B", options: { runs: new Set([RUN_B]) }, goes: ["jobs: finished", "pods: finished"] },
  ])("$name", ({ options, goes }) => {
    expect(planned(inventory, options).goes).toEqual(goes);
  });

  it("plans nothing of Dask where pods may not be listed", () => {
    const blind = { ...inventoryOf([], { services: [service(CLUSTER)] }), forbidden: ["pods"] as const };
    expect(planned(blind).goes).toEqual([]);
  });
});
