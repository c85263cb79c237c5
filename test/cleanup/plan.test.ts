// What cleanup deletes and keeps, decided from an inventory alone.

import { KubeError } from "../../src/kube/client/errors.ts";
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
  observedJob,
  known,
  nameFor,
  NOW,
  pod,
  RUN_A,
  RUN_B,
  inventoryRun,
  service,
} from "../dask/samples.ts";

const OPTIONS: PlanOptions = {
  olderThanMs: 600_000,
  jobs: true,
  dask: true,
  orphansOnly: false,
  runs: undefined,
};
const BY_AGENT = { labels: { "prefect.io/flow_run_id": RUN_A, "prefect.io/identifier": "0a1b2c3d" } };
const KEEP = { annotations: { "prefect.io/keep": "true" } };
const CLUSTER = "dask-root-03d5b8bb-0";

function inventoryOf(runs: readonly InventoryRun[], objects: Partial<DaskObjects> = {}): Inventory {
  const found = findClusters(
    { pods: [], services: [], budgets: [], clusters: [], ...objects },
    runs.map(({ observed }) => observed),
  );
  return {
    runs: runs.map((run) => ({
      ...run,
      dask: found.filter(({ owner }) => owner?.flowRunId === run.flowRunId),
    })),
    unownedDask: found.filter(({ owner }) => !runs.some(({ flowRunId }) => flowRunId === owner?.flowRunId)),
    warnings: [],
  };
}

function planned(inventory: Inventory, options: Partial<PlanOptions> = {}) {
  const { items, kept } = planCleanup(inventory, { ...OPTIONS, ...options }, NOW);
  return {
    deletes: items.map(({ resource, reason }) => `${resource}: ${reason}`),
    keeps: kept.map(({ reason }) => reason),
  };
}

/** Another run that the API knows, so that a missing run counts as deleted. */
const KNOWN = inventoryRun(RUN_B, { status: known("Running") });

describe("Jobs", () => {
  it.each<{ name: string; job: ObservedJob; run: RunStatus; deletes: string[]; keeps: string[] }>([
    {
      name: "a Job that completed",
      job: observedJob(job("j", RUN_A, { ended: "Complete" })),
      run: known("Success"),
      deletes: ["jobs: finished"],
      keeps: [],
    },
    {
      name: "a Job that failed",
      job: observedJob(job("j", RUN_A, { ended: "Failed" })),
      run: known("Failed"),
      deletes: ["jobs: finished"],
      keeps: [],
    },
    {
      name: "an agent's finished Job without a Prefect API",
      job: observedJob(job("j", RUN_A, { ended: "Failed", ...BY_AGENT })),
      run: { kind: "unknown" },
      deletes: ["jobs: finished"],
      keeps: [],
    },
    {
      name: "a finished Job that a flow made, without a Prefect API",
      job: observedJob(job("j", RUN_A, { ended: "Complete" })),
      run: { kind: "unknown" },
      deletes: [],
      keeps: ["succeeded, but its flow run, which made it, may be at work"],
    },
    {
      name: "a Job that finished a moment ago",
      job: observedJob(job("j", RUN_A, { ended: "Complete", endedMinutesAgo: 9 })),
      run: known("Success"),
      deletes: [],
      keeps: ["succeeded only 9m ago"],
    },
    {
      name: "a finished Job whose run is still running",
      job: observedJob(job("j", RUN_A, { ended: "Failed" })),
      run: known("Running"),
      deletes: [],
      keeps: ["failed, but its flow run is still Running"],
    },
    {
      name: "a finished Job that is to be kept",
      job: observedJob(job("j", RUN_A, { ended: "Complete", ...KEEP })),
      run: known("Success"),
      deletes: [],
      keeps: ["annotated prefect.io/keep"],
    },
    {
      name: "a Job that is being deleted",
      job: observedJob(job("j", RUN_A, { ended: "Complete", deletionTimestamp: ago(1) })),
      run: known("Success"),
      deletes: [],
      keeps: [],
    },
    {
      name: "an unfinished Job of a cancelled run",
      job: observedJob(job("j", RUN_A)),
      run: known("Cancelled"),
      deletes: ["jobs: orphaned"],
      keeps: [],
    },
    {
      name: "an unfinished Job of a run that was just cancelled",
      job: observedJob(job("j", RUN_A)),
      run: known("Cancelled", 5),
      deletes: [],
      keeps: ["its flow run is Cancelled (for only 5m)"],
    },
    {
      name: "an unfinished Job of a running run",
      job: observedJob(job("j", RUN_A)),
      run: known("Running"),
      deletes: [],
      keeps: ["not finished, its flow run is Running"],
    },
    {
      name: "an unfinished Job of a run that is being cancelled",
      job: observedJob(job("j", RUN_A)),
      run: known("Cancelling"),
      deletes: [],
      keeps: ["not finished, its flow run is Cancelling"],
    },
    {
      name: "an unfinished Job without a Prefect API",
      job: observedJob(job("j", RUN_A)),
      run: { kind: "unknown" },
      deletes: [],
      keeps: ["not finished, the state of its flow run is unknown"],
    },
    {
      name: "an unfinished Job of a deleted run",
      job: observedJob(job("j", RUN_A)),
      run: { kind: "missing" },
      deletes: ["jobs: orphaned"],
      keeps: [],
    },
    {
      name: "a young Job of a deleted run",
      job: observedJob(job("j", RUN_A, { creationTimestamp: ago(5) })),
      run: { kind: "missing" },
      deletes: [],
      keeps: ["its flow run no longer exists in Prefect (for only 5m)"],
    },
  ])("plans $name", ({ job: observed, run, deletes, keeps }) => {
    const plan = planned(inventoryOf([inventoryRun(RUN_A, { status: run, jobs: [observed] }), KNOWN]));
    expect(plan).toEqual({ deletes, keeps });
  });

  it("keeps what belongs to a run for the reason that is given", () => {
    const run = inventoryRun(RUN_A, { status: known("Success"), jobs: [observedJob(job("j", RUN_A))] });
    expect(planned(inventoryOf([run]), { keepRun: () => 'belongs to agent "gpu"' })).toEqual({
      deletes: [],
      keeps: ['belongs to agent "gpu"'],
    });
  });

  it.each(["missing", "unknown"] as const)("keeps all whose label is not a flow run id: %s", (kind) => {
    const jobs = [observedJob(job("j", "nightly")), observedJob(job("old", "nightly", { ended: "Failed" }))];
    const run = inventoryRun("nightly", { status: { kind }, jobs });
    expect(planned(inventoryOf([run, KNOWN]))).toEqual({
      deletes: [],
      keeps: ["its label is not a flow run id", "its label is not a flow run id"],
    });
  });
});

describe("finished Dask pods", () => {
  it.each<{ name: string; podOptions: Parameters<typeof classic>[1]; deletes: string[]; keeps: string[] }>([
    { name: "Completed", podOptions: { phase: "Succeeded" }, deletes: ["pods: finished"], keeps: [] },
    { name: "Failed", podOptions: { phase: "Failed" }, deletes: ["pods: finished"], keeps: [] },
    {
      name: "Completed a moment ago",
      podOptions: { phase: "Succeeded", endedMinutesAgo: 2 },
      deletes: [],
      keeps: ["Completed only 2m ago"],
    },
    {
      name: "Completed, annotated prefect.io/keep",
      podOptions: { phase: "Succeeded", ...KEEP },
      deletes: [],
      keeps: ["annotated prefect.io/keep"],
    },
    {
      name: "Completed, with a controller",
      podOptions: {
        phase: "Succeeded",
        ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "p", controller: true }],
      },
      deletes: [],
      keeps: ["Completed, but managed by a controller"],
    },
    {
      name: "Running, without a flow run",
      podOptions: {},
      deletes: [],
      keeps: ["running, but its flow run is unknown"],
    },
  ])("plans one that is $name", ({ podOptions, deletes, keeps }) => {
    expect(planned(inventoryOf([], { pods: [classic(CLUSTER, podOptions)] }))).toEqual({ deletes, keeps });
  });
});

describe("running Dask clusters", () => {
  const name = nameFor(RUN_A);
  const whole = (cluster = name): Partial<DaskObjects> => ({
    pods: [classic(cluster), classic(cluster, { role: "scheduler" })],
    services: [service(cluster)],
    budgets: [budget(cluster)],
  });
  const over = inventoryRun(RUN_A, { status: known("Failed") });

  it("are deleted with all their parts, workers first and the Service last, when their run is over", () => {
    const { items } = planCleanup(inventoryOf([over], whole()), OPTIONS, NOW);
    expect(items.map(({ resource, reason, order }) => [resource, reason, order])).toEqual([
      ["pods", "orphaned", 1],
      ["pods", "orphaned", 2],
      ["poddisruptionbudgets", "orphaned", 3],
      ["services", "orphaned", 4],
    ]);
  });

  it.each<{ name: string; run: InventoryRun; objects?: Partial<DaskObjects>; reason: string }>([
    {
      name: "is running",
      run: inventoryRun(RUN_A, { status: known("Running") }),
      reason: "running, its flow run is Running",
    },
    {
      name: "was over only recently",
      run: inventoryRun(RUN_A, { status: known("Failed", 3) }),
      reason: "its flow run is Failed, but the last change was 3m ago",
    },
    { name: "is unknown", run: inventoryRun(RUN_A), reason: "running, the state of its flow run is unknown" },
    {
      name: "has a running pod",
      run: inventoryRun(RUN_A, {
        status: known("Failed"),
        jobs: [observedJob(job("j", RUN_A, { ended: "Failed", endedMinutesAgo: 1 }), [pod("p")])],
      }),
      reason: "running, and a pod of its flow run is still running",
    },
    {
      name: "is only a guess",
      run: inventoryRun(RUN_A, {
        status: known("Failed"),
        jobs: [
          observedJob(job("j", RUN_A, { ended: "Failed", ...KEEP }), [
            pod("p", { phase: "Failed", creationTimestamp: ago(90) }),
          ]),
        ],
      }),
      objects: { pods: [classic(CLUSTER)] },
      reason: "running, and its flow run is only a guess",
    },
    {
      name: "is over, but the cluster has a new pod",
      run: over,
      objects: { pods: [classic(name), classic(name, { creationTimestamp: ago(2) })] },
      reason: "its flow run is Failed, but the last change was 2m ago",
    },
  ])("are kept when their run $name", ({ run, objects, reason }) => {
    const plan = planned(inventoryOf([run], objects ?? whole()));
    expect(plan.deletes).toEqual([]);
    expect(plan.keeps).toContain(reason);
  });

  it("are deleted together with the Job of their run's last pod", () => {
    const flowJob = job("j", RUN_A);
    const own = pod("p", {
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name: "j", uid: flowJob.metadata.uid, controller: true },
      ],
    });
    const run = inventoryRun(RUN_A, { status: known("Cancelled"), jobs: [observedJob(flowJob, [own])] });
    const deletes = ["jobs: orphaned", "pods: orphaned"];
    expect(planned(inventoryOf([run], { pods: [classic(name)] })).deletes).toEqual(deletes);
    expect(planned(inventoryOf([run], { pods: [classic(name)] }), { jobs: false }).deletes).toEqual([]);
  });

  it("of a restarted run are deleted if the pod that created them is gone; the new one is kept", () => {
    const run = inventoryRun(RUN_A, {
      status: known("Running", 40),
      jobs: [observedJob(job("j", RUN_A, BY_AGENT), [pod("second", { creationTimestamp: ago(40) })])],
    });
    const pods = [
      classic(nameFor(RUN_A, "11111111-1"), { creationTimestamp: ago(80) }),
      classic(nameFor(RUN_A, "22222222-2"), { creationTimestamp: ago(39) }),
    ];
    const { items, kept } = planCleanup(inventoryOf([run], { pods }), OPTIONS, NOW);
    expect(items.map(({ reason, cluster }) => [reason, cluster])).toEqual([
      ["replaced", nameFor(RUN_A, "11111111-1")],
    ]);
    expect(kept.map(({ reason }) => reason)).toContain("running, its flow run is Running");
  });

  it("of the operator are deleted only by their DaskCluster", () => {
    const labels = { "dask.org/workergroup-name": "default" };
    const objects = { clusters: [daskCluster(name)], pods: [classic(name, { labels })] };
    expect(planned(inventoryOf([over], objects)).deletes).toEqual(["daskclusters: orphaned"]);
  });

  it("of the operator are kept if one of their pods is to be kept", () => {
    const labels = { "dask.org/workergroup-name": "default" };
    const worker = classic(name, { labels, ...KEEP });
    expect(planned(inventoryOf([over], { clusters: [daskCluster(name)], pods: [worker] }))).toEqual({
      deletes: [],
      keeps: [`its pod "${worker.metadata.name}" is annotated prefect.io/keep`],
    });
  });

  it("of dask-gateway are always kept", () => {
    const worker = pod("w", { phase: "Succeeded", labels: { "gateway.dask.org/cluster": "abc" } });
    expect(planned(inventoryOf([], { pods: [worker] }))).toEqual({
      deletes: [],
      keeps: ["managed by dask-gateway"],
    });
  });
});

describe("Services and budgets without pods", () => {
  it("are deleted when no pod is left, or the last ones are deleted too", () => {
    const objects = { services: [service(CLUSTER)], budgets: [budget(CLUSTER)] };
    expect(planned(inventoryOf([], objects)).deletes).toEqual([
      "poddisruptionbudgets: no-pods",
      "services: no-pods",
    ]);
    const last = { ...objects, pods: [classic(CLUSTER, { phase: "Succeeded" })] };
    expect(planned(inventoryOf([], last)).deletes).toEqual([
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
    reason: string;
  }>([
    {
      name: "they are new",
      objects: { services: [service(CLUSTER, { creationTimestamp: ago(3) })] },
      reason: "its cluster has no pods, but it is only 3m old",
    },
    {
      name: "a pod is kept",
      objects: {
        services: [service(CLUSTER)],
        pods: [classic(CLUSTER, { phase: "Succeeded", endedMinutesAgo: 1 })],
      },
      reason: "a pod of its cluster is kept",
    },
    {
      name: "their run is running",
      objects: { services: [service(nameFor(RUN_A))] },
      runs: [inventoryRun(RUN_A, { status: known("Running") })],
      reason: "its flow run is Running",
    },
    {
      name: "--orphans keeps finished pods",
      objects: { services: [service(CLUSTER)], pods: [classic(CLUSTER, { phase: "Succeeded" })] },
      options: { orphansOnly: true },
      reason: "a pod of its cluster is kept",
    },
  ])("are kept when $name", ({ objects, runs = [], options = {}, reason }) => {
    const plan = planned(inventoryOf(runs, objects), options);
    expect(plan.deletes).toEqual([]);
    expect(plan.keeps).toContain(reason);
  });
});

describe("options", () => {
  const runs = [
    inventoryRun(RUN_A, {
      status: known("Success"),
      jobs: [observedJob(job("a", RUN_A, { ended: "Complete" })), observedJob(job("alive", RUN_A))],
    }),
    inventoryRun(RUN_B, {
      status: known("Success"),
      jobs: [observedJob(job("b", RUN_B, { ended: "Complete", endedMinutesAgo: 90 }))],
    }),
  ];
  const inventory = inventoryOf(runs, { pods: [classic(nameFor(RUN_B), { phase: "Succeeded" })] });

  it.each<{ name: string; options: Partial<PlanOptions>; deletes: string[] }>([
    {
      name: "all",
      options: {},
      deletes: ["jobs: finished", "jobs: orphaned", "jobs: finished", "pods: finished"],
    },
    {
      name: "--jobs",
      options: { dask: false },
      deletes: ["jobs: finished", "jobs: orphaned", "jobs: finished"],
    },
    { name: "--dask", options: { jobs: false }, deletes: ["pods: finished"] },
    { name: "--orphans", options: { orphansOnly: true }, deletes: ["jobs: orphaned"] },
    { name: "--older-than 1h", options: { olderThanMs: 3_600_000 }, deletes: ["jobs: finished"] },
    { name: "--run B", options: { runs: new Set([RUN_B]) }, deletes: ["jobs: finished", "pods: finished"] },
  ])("$name", ({ options, deletes }) => {
    expect(planned(inventory, options).deletes).toEqual(deletes);
  });

  it("keeps Dask clusters without permission to list pods", () => {
    const withoutPods = {
      ...inventoryOf([], { services: [service(CLUSTER)] }),
      forbidden: new Map([
        ["pods" as const, new KubeError("list pods", "forbidden", { status: 403, reason: "Forbidden" })],
      ]),
    };
    expect(planned(withoutPods).deletes).toEqual([]);
  });
});
