// Which objects belong to which Dask cluster and flow run, and which only look like it.

import type { InventoryRun } from "../../src/inventory/inventory.ts";
import { describe, expect, it } from "vitest";
import { findClusters } from "../../src/dask/find-clusters.ts";
import type { DaskObjects } from "../../src/dask/find-clusters.ts";
import type { AnyObject, Pod } from "../../src/kube/client/objects.ts";
import {
  ago,
  budget,
  classic,
  daskCluster,
  job,
  observedJob,
  meta,
  nameFor,
  pod,
  RUN_A,
  RUN_B,
  inventoryRun,
  service,
} from "./samples.ts";

const CLUSTER = "dask-root-03d5b8bb-0";
const OWNED_BY = (kind: string, uid: string, apiVersion = "v1") => [
  { apiVersion, kind, name: "owner", uid, controller: true },
];

function find(objects: Partial<DaskObjects>, runs: readonly Pick<InventoryRun, "observed">[] = []) {
  return findClusters(
    { pods: [], services: [], budgets: [], clusters: [], ...objects },
    runs.map(({ observed }) => observed),
  );
}

describe("recognising clusters", () => {
  it("finds a classic cluster: scheduler, workers, Service and the budget without labels", () => {
    const scheduler = classic(CLUSTER, { role: "scheduler" });
    const workers = [classic(CLUSTER), classic(CLUSTER, { phase: "Succeeded" })];
    const [found, ...others] = find({
      pods: [...workers, scheduler],
      services: [service(CLUSTER)],
      budgets: [budget(CLUSTER)],
    });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind: "classic", name: CLUSTER, namespace: "flows", scheduler, workers });
    expect([found?.services.length, found?.budgets.length, found?.owner]).toEqual([1, 1, undefined]);
  });

  it.each<{ name: string; pod: Pod }>([
    {
      name: "0.8 and 0.9",
      pod: pod("dask-root-1ab", {
        labels: { app: "dask", "dask.org/cluster-name": CLUSTER, component: "dask-worker" },
      }),
    },
    {
      name: "an environment of Prefect 0.x",
      pod: classic(CLUSTER, { labels: { app: "prefect-dask-worker" } }),
    },
    {
      name: "a user who made the flow's pod its owner",
      pod: classic(CLUSTER, { ownerReferences: OWNED_BY("Pod", "x") }),
    },
  ])("recognises a classic worker of $name", ({ pod: worker }) => {
    expect(find({ pods: [worker] })).toMatchObject([{ kind: "classic", name: CLUSTER, workers: [worker] }]);
  });

  it("recognises a worker without cluster label by app and scheduler address", () => {
    const env = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.9:41" };
    const worker = pod("my-dask-abcde", { labels: { app: "dask", component: "worker" }, env });
    expect(find({ pods: [worker] })).toMatchObject([{ kind: "classic", name: "my-dask", workers: [worker] }]);
  });

  it.each<{ name: string; pod: Pod }>([
    {
      name: "the Helm chart's worker",
      pod: pod("dask-worker-1", {
        labels: { app: "dask", component: "worker" },
        ownerReferences: OWNED_BY("ReplicaSet", "r"),
      }),
    },
    { name: "a bare pod that is called dask", pod: pod("dask-thing-1", { labels: { app: "dask" } }) },
    {
      name: "a bare pod with app and component, and no scheduler",
      pod: pod("dask-thing-1", { labels: { app: "dask", component: "worker" } }),
    },
    {
      name: "a pod labelled for a network policy only",
      pod: pod("web", { labels: { "dask.org/cluster-name": CLUSTER } }),
    },
    {
      name: "a client of the cluster",
      pod: pod("notebook", { labels: { "dask.org/cluster-name": CLUSTER, "dask.org/component": "client" } }),
    },
    {
      name: "a Deployment's pod with Dask's labels",
      pod: classic(CLUSTER, { ownerReferences: OWNED_BY("ReplicaSet", "r", "apps/v1") }),
    },
    { name: "an empty cluster name", pod: classic("", {}) },
    {
      name: "another domain's label",
      pod: pod("x", { labels: { "dask.org.example/cluster-name": CLUSTER, "dask.org/component": "worker" } }),
    },
  ])("ignores $name", ({ pod: foreign }) => {
    expect(find({ pods: [foreign] })).toEqual([]);
  });

  it.each<{ name: string; services?: AnyObject[]; budgets?: AnyObject[] }>([
    {
      name: "a Service of another name that selects the cluster",
      services: [{ ...service(CLUSTER), metadata: meta("my-dashboard") }],
    },
    {
      name: "a Service named as the cluster that selects something else",
      services: [{ metadata: meta(CLUSTER), spec: { selector: { app: "web" } } }],
    },
    {
      name: "a Service without selector",
      services: [{ metadata: meta(CLUSTER, { labels: { "dask.org/cluster-name": CLUSTER } }), spec: {} }],
    },
    { name: "a budget of another name", budgets: [{ ...budget(CLUSTER), metadata: meta("all-dask") }] },
    {
      name: "a Service that a controller made",
      services: [
        service(CLUSTER, { ownerReferences: OWNED_BY("DaskCluster", "d", "kubernetes.dask.org/v1") }),
      ],
    },
  ])("ignores $name", ({ services = [], budgets = [] }) => {
    expect(find({ services, budgets })).toEqual([]);
  });

  it("adds the operator's pods to their DaskCluster, also if they look classic", () => {
    const resource = daskCluster("mine");
    const controlled = classic("mine", { ownerReferences: OWNED_BY("ReplicaSet", "r", "apps/v1") });
    const bare = classic("mine");
    const found = find({ clusters: [resource], pods: [controlled, bare], services: [service("mine")] });
    expect(found).toMatchObject([{ kind: "operator", name: "mine", resource, workers: [controlled, bare] }]);
  });

  it("recognises the operator's pods without permission to list DaskClusters", () => {
    const labels = { "dask.org/workergroup-name": "mine-default" };
    expect(find({ pods: [classic("mine", { labels })] })).toMatchObject([
      { kind: "operator", resource: undefined },
    ]);
  });

  it("recognises clusters of dask-gateway", () => {
    const labels = { "gateway.dask.org/cluster": "abc", "app.kubernetes.io/component": "dask-scheduler" };
    const scheduler = pod("dask-scheduler-abc", { labels });
    expect(find({ pods: [scheduler] })).toMatchObject([{ kind: "gateway", name: "abc", scheduler }]);
  });

  it("keeps clusters of the same name in two namespaces apart", () => {
    const pods = [classic(CLUSTER), classic(CLUSTER, { namespace: "other" })];
    expect(find({ pods }).map(({ namespace }) => namespace)).toEqual(["flows", "other"]);
  });

  it("ignores a flow run's own pod", () => {
    const own = classic(CLUSTER);
    const run = inventoryRun(RUN_A, { jobs: [observedJob(job("job-a", RUN_A), [own])] });
    expect(find({ pods: [own] }, [run])).toEqual([]);
  });
});

describe("attributing clusters to flow runs", () => {
  const flowPod = pod("flow-a", {
    uid: "pod-a",
    podIP: "10.0.0.7",
    creationTimestamp: ago(90),
    image: "flow:1",
  });
  const runA = inventoryRun(RUN_A, { jobs: [observedJob(job("job-a", RUN_A, { uid: "job-a" }), [flowPod])] });
  const address = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.7:40123" };
  const name = nameFor(RUN_A);

  it.each<{ name: string; pods: Pod[]; owner: unknown }>([
    {
      name: "owner: the Job",
      pods: [classic(CLUSTER, { ownerReferences: OWNED_BY("Job", "job-a") })],
      owner: { flowRunId: RUN_A, by: "owner" },
    },
    {
      name: "owner: the pod",
      pods: [classic(CLUSTER, { ownerReferences: OWNED_BY("Pod", "pod-a") })],
      owner: { flowRunId: RUN_A, by: "owner" },
    },
    {
      name: "label of Prefect 1",
      pods: [classic(CLUSTER, { labels: { "prefect.io/flow_run_id": RUN_B } })],
      owner: { flowRunId: RUN_B, by: "label" },
    },
    {
      name: "label of Prefect 2",
      pods: [classic(CLUSTER, { labels: { "prefect.io/flow-run-id": RUN_B } })],
      owner: { flowRunId: RUN_B, by: "label" },
    },
    {
      name: "environment of Prefect 1",
      pods: [classic(CLUSTER, { env: { PREFECT__CONTEXT__FLOW_RUN_ID: RUN_B } })],
      owner: { flowRunId: RUN_B, by: "environment" },
    },
    {
      name: "environment of Prefect 2",
      pods: [classic(CLUSTER, { env: { PREFECT__FLOW_RUN_ID: RUN_B } })],
      owner: { flowRunId: RUN_B, by: "environment" },
    },
    { name: "name", pods: [classic(name)], owner: { flowRunId: RUN_A, by: "name" } },
    {
      name: "address",
      pods: [classic(CLUSTER, { env: address })],
      owner: { flowRunId: RUN_A, by: "address" },
    },
    {
      name: "the more reliable of two that agree",
      pods: [classic(name, { env: address })],
      owner: { flowRunId: RUN_A, by: "name" },
    },
    {
      name: "one pod for all, if the cluster's name is unique",
      pods: [classic(CLUSTER), classic(CLUSTER, { env: { PREFECT__FLOW_RUN_ID: RUN_B } })],
      owner: { flowRunId: RUN_B, by: "environment" },
    },
    {
      name: "a guess: image, account and time",
      pods: [classic(CLUSTER, { image: "flow:1" })],
      owner: { flowRunId: RUN_A, by: "guess" },
    },
  ])("uses $name", ({ pods, owner }) => {
    expect(find({ pods }, [runA])[0]?.owner).toEqual(owner);
  });

  it.each<{ name: string; pods: Pod[] }>([
    { name: "there is no evidence", pods: [classic(CLUSTER, { image: "other:1" })] },
    {
      name: "its pods have labels of two runs",
      pods: [
        classic(CLUSTER, { labels: { "prefect.io/flow_run_id": RUN_A } }),
        classic(CLUSTER, { labels: { "prefect.io/flow_run_id": RUN_B } }),
      ],
    },
    {
      name: "label and name disagree",
      pods: [classic(name, { labels: { "prefect.io/flow_run_id": RUN_B } })],
    },
    {
      name: "its name is fixed and an active pod has no evidence",
      pods: [
        classic("my-cluster"),
        classic("my-cluster", { phase: "Succeeded", env: { PREFECT__FLOW_RUN_ID: RUN_B } }),
      ],
    },
    {
      name: "the address belongs to a pod created later",
      pods: [classic(CLUSTER, { env: address, creationTimestamp: ago(120) })],
    },
    {
      name: "no pod has the address",
      pods: [classic(CLUSTER, { env: { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.77:1" } })],
    },
    { name: "the id in the name is not a UUID", pods: [classic("dask-0a0a0a0a-1111-03d5b8bb-0")] },
    { name: "the name has no suffix", pods: [classic(`dask-${RUN_A}`)] },
    { name: "the label is empty", pods: [classic(CLUSTER, { labels: { "prefect.io/flow_run_id": "" } })] },
  ])("finds no flow run if $name", ({ pods }) => {
    expect(find({ pods }, [runA])[0]?.owner).toBeUndefined();
  });

  it("ignores the address of a pod that had finished before the worker was created", () => {
    const ended = pod("flow-b", {
      podIP: "10.0.0.8",
      phase: "Succeeded",
      creationTimestamp: ago(90),
      endedMinutesAgo: 70,
    });
    const run = inventoryRun(RUN_B, { jobs: [observedJob(job("job-b", RUN_B), [ended])] });
    const env = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.8:1" };
    const late = classic(CLUSTER, { env, creationTimestamp: ago(60) });
    const early = classic("dask-root-11111111-1", { env, creationTimestamp: ago(80) });
    expect(find({ pods: [late, early] }, [run]).map(({ owner }) => owner)).toEqual([
      undefined,
      { flowRunId: RUN_B, by: "address" },
    ]);
  });

  it("does not guess for who does not want guesses", () => {
    const objects = {
      pods: [classic(CLUSTER, { image: "flow:1" })],
      services: [],
      budgets: [],
      clusters: [],
    };
    expect(findClusters(objects, [runA.observed]).map(({ owner }) => owner?.by)).toEqual(["guess"]);
    expect(findClusters(objects, [runA.observed], { withGuesses: false })[0]?.owner).toBeUndefined();
  });

  it("does not guess if two runs match", () => {
    const twin = pod("flow-b", { creationTimestamp: ago(90), image: "flow:1" });
    const runB = inventoryRun(RUN_B, { jobs: [observedJob(job("job-b", RUN_B), [twin])] });
    expect(find({ pods: [classic(CLUSTER, { image: "flow:1" })] }, [runA, runB])[0]?.owner).toBeUndefined();
  });

  it("finds the run of Services and budgets without pods by their name", () => {
    expect(find({ services: [service(name)] })[0]?.owner).toEqual({ flowRunId: RUN_A, by: "name" });
  });

  it("finds the run of a DaskCluster by its label or by the environment in its spec", () => {
    const env = [{ name: "PREFECT__CONTEXT__FLOW_RUN_ID", value: RUN_B }];
    const clusters = [
      daskCluster("by-label", { labels: { "prefect.io/flow-run-id": RUN_A } }),
      { ...daskCluster("by-spec"), spec: { worker: { spec: { containers: [{ name: "worker", env }] } } } },
    ];
    expect(find({ clusters }).map(({ owner }) => owner)).toEqual([
      { flowRunId: RUN_A, by: "label" },
      { flowRunId: RUN_B, by: "environment" },
    ]);
  });
});
