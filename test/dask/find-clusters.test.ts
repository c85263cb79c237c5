// Which objects are Dask's, and whose: also those that only look so.

import type { RunWithPods } from "../../src/dask/attribute.ts";
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
  jobPrint,
  meta,
  nameFor,
  pod,
  RUN_A,
  RUN_B,
  runPrint,
  service,
} from "./samples.ts";

const CLUSTER = "dask-root-03d5b8bb-0";
const OWNED_BY = (kind: string, uid: string, apiVersion = "v1") => [
  { apiVersion, kind, name: "owner", uid, controller: true },
];

function prints(objects: Partial<DaskObjects>, runs: readonly RunWithPods[] = []) {
  return findClusters({ pods: [], services: [], budgets: [], clusters: [], ...objects }, runs);
}

describe("recognising", () => {
  it("puts a classic cluster together: scheduler, workers, Service and the budget without labels", () => {
    const scheduler = classic(CLUSTER, { role: "scheduler" });
    const workers = [classic(CLUSTER), classic(CLUSTER, { phase: "Succeeded" })];
    const [found, ...others] = prints({
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
      name: "owned by the flow's pod, as people do it",
      pod: classic(CLUSTER, { ownerReferences: OWNED_BY("Pod", "x") }),
    },
  ])("knows a classic worker of $name", ({ pod: worker }) => {
    expect(prints({ pods: [worker] })).toMatchObject([{ kind: "classic", name: CLUSTER, workers: [worker] }]);
  });

  it("knows a worker whose cluster label got lost by app and scheduler address", () => {
    const env = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.9:41" };
    const worker = pod("my-dask-abcde", { labels: { app: "dask", component: "worker" }, env });
    expect(prints({ pods: [worker] })).toMatchObject([
      { kind: "classic", name: "my-dask", workers: [worker] },
    ]);
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
  ])("passes over $name", ({ pod: foreign }) => {
    expect(prints({ pods: [foreign] })).toEqual([]);
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
  ])("passes over $name", ({ services = [], budgets = [] }) => {
    expect(prints({ services, budgets })).toEqual([]);
  });

  it("gives the operator's pods to their DaskCluster, also when they look classic", () => {
    const resource = daskCluster("mine");
    const controlled = classic("mine", { ownerReferences: OWNED_BY("ReplicaSet", "r", "apps/v1") });
    const bare = classic("mine");
    const found = prints({ clusters: [resource], pods: [controlled, bare], services: [service("mine")] });
    expect(found).toMatchObject([{ kind: "operator", name: "mine", resource, workers: [controlled, bare] }]);
  });

  it("knows the operator's pods where its DaskClusters may not be listed", () => {
    const labels = { "dask.org/workergroup-name": "mine-default" };
    expect(prints({ pods: [classic("mine", { labels })] })).toMatchObject([
      { kind: "operator", resource: undefined },
    ]);
  });

  it("knows dask-gateway's", () => {
    const labels = { "gateway.dask.org/cluster": "abc", "app.kubernetes.io/component": "dask-scheduler" };
    const scheduler = pod("dask-scheduler-abc", { labels });
    expect(prints({ pods: [scheduler] })).toMatchObject([{ kind: "gateway", name: "abc", scheduler }]);
  });

  it("keeps clusters of the same name in two namespaces apart", () => {
    const pods = [classic(CLUSTER), classic(CLUSTER, { namespace: "other" })];
    expect(prints({ pods }).map(({ namespace }) => namespace)).toEqual(["flows", "other"]);
  });

  it("does not take a flow run's own pod for a worker", () => {
    const own = classic(CLUSTER);
    const run = runPrint(RUN_A, { jobs: [jobPrint(job("job-a", RUN_A), [own])] });
    expect(prints({ pods: [own] }, [run])).toEqual([]);
  });
});

describe("attributing", () => {
  const flowPod = pod("flow-a", {
    uid: "pod-a",
    podIP: "10.0.0.7",
    creationTimestamp: ago(90),
    image: "flow:1",
  });
  const runA = runPrint(RUN_A, { jobs: [jobPrint(job("job-a", RUN_A, { uid: "job-a" }), [flowPod])] });
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
      name: "the stronger of two that agree",
      pods: [classic(name, { env: address })],
      owner: { flowRunId: RUN_A, by: "name" },
    },
    {
      name: "one pod's for all, where the name is unique",
      pods: [classic(CLUSTER), classic(CLUSTER, { env: { PREFECT__FLOW_RUN_ID: RUN_B } })],
      owner: { flowRunId: RUN_B, by: "environment" },
    },
    {
      name: "a guess: image, account and time",
      pods: [classic(CLUSTER, { image: "flow:1" })],
      owner: { flowRunId: RUN_A, by: "guess" },
    },
  ])("goes by $name", ({ pods, owner }) => {
    expect(prints({ pods }, [runA])[0]?.owner).toEqual(owner);
  });

  it.each<{ name: string; pods: Pod[] }>([
    { name: "nothing ties it", pods: [classic(CLUSTER, { image: "other:1" })] },
    {
      name: "it is tied to two runs",
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
      name: "a chosen name has a living pod without a tie",
      pods: [
        classic("my-cluster"),
        classic("my-cluster", { phase: "Succeeded", env: { PREFECT__FLOW_RUN_ID: RUN_B } }),
      ],
    },
    {
      name: "the address is a pod's that was made later",
      pods: [classic(CLUSTER, { env: address, creationTimestamp: ago(120) })],
    },
    {
      name: "the address is nobody's",
      pods: [classic(CLUSTER, { env: { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.77:1" } })],
    },
    { name: "the name's id is no UUID", pods: [classic("dask-0a0a0a0a-1111-03d5b8bb-0")] },
    { name: "the name only begins like ours", pods: [classic(`dask-${RUN_A}`)] },
    { name: "the label is empty", pods: [classic(CLUSTER, { labels: { "prefect.io/flow_run_id": "" } })] },
  ])("attributes to nobody when $name", ({ pods }) => {
    expect(prints({ pods }, [runA])[0]?.owner).toBeUndefined();
  });

  it("does not take the pod of a run that had ended for the scheduler of a later worker", () => {
    const ended = pod("flow-b", {
      podIP: "10.0.0.8",
      phase: "Succeeded",
      creationTimestamp: ago(90),
      endedMinutesAgo: 70,
    });
    const run = runPrint(RUN_B, { jobs: [jobPrint(job("job-b", RUN_B), [ended])] });
    const env = { DASK_SCHEDULER_ADDRESS: "tcp://10.0.0.8:1" };
    const late = classic(CLUSTER, { env, creationTimestamp: ago(60) });
    const early = classic("dask-root-11111111-1", { env, creationTimestamp: ago(80) });
    expect(prints({ pods: [late, early] }, [run]).map(({ owner }) => owner)).toEqual([
      undefined,
      { flowRunId: RUN_B, by: "address" },
    ]);
  });

  it("guesses at nothing when two runs would do", () => {
    const twin = pod("flow-b", { creationTimestamp: ago(90), image: "flow:1" });
    const runB = runPrint(RUN_B, { jobs: [jobPrint(job("job-b", RUN_B), [twin])] });
    expect(prints({ pods: [classic(CLUSTER, { image: "flow:1" })] }, [runA, runB])[0]?.owner).toBeUndefined();
  });

  it("knows the run of Services and budgets whose pods are gone by their name", () => {
    expect(prints({ services: [service(name)] })[0]?.owner).toEqual({ flowRunId: RUN_A, by: "name" });
  });

  it("knows the run of a DaskCluster by its label and by the environment in its spec", () => {
    const env = [{ name: "PREFECT__CONTEXT__FLOW_RUN_ID", value: RUN_B }];
    const clusters = [
      daskCluster("by-label", { labels: { "prefect.io/flow-run-id": RUN_A } }),
      { ...daskCluster("by-spec"), spec: { worker: { spec: { containers: [{ name: "worker", env }] } } } },
    ];
    expect(prints({ clusters }).map(({ owner }) => owner)).toEqual([
      { flowRunId: RUN_A, by: "label" },
      { flowRunId: RUN_B, by: "environment" },
    ]);
  });
});
