// Each object is judged anew right before it goes: on a cluster that changes between the plan and the action.

import type { RunStatus } from "../../src/orchestrator/flow-run.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import type { OwnerRun, PlanItem } from "../../src/cleanup/item.ts";
import { sweep } from "../../src/cleanup/sweep.ts";
import type { Done } from "../../src/cleanup/sweep.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { known, nameFor, RUN_A } from "../dask/samples.ts";

const CLUSTER = nameFor(RUN_A);
const LABELS = { app: "dask", "dask.org/cluster-name": CLUSTER, "dask.org/component": "worker" };
const RUN: OwnerRun = {
  id: RUN_A,
  name: undefined,
  prefectVersion: 1,
  status: known("Failed"),
  namespace: "default",
};

async function clusterWith(view: RunStatus) {
  const fake = await startFakeKubernetes({ controller: false });
  onTestFinished(() => fake.stop());
  const env = { KUBECONFIG: "config" };
  const readFile = (): string => fake.kubeconfig();
  const deps = { env, home: "/", clock: systemClock, readFile, userAgent: "test" };
  const { kube } = await connectKube({}, deps);
  onTestFinished(() => kube.close());
  const states = () => Promise.resolve(new Map([[RUN_A, view]]));
  const { signal } = new AbortController();
  return {
    fake,
    go: (items: readonly PlanItem[]): Promise<readonly Done[]> =>
      sweep({ kube, states, clock: systemClock }, items, { signal }),
  };
}

function put(
  fake: FakeKubernetes,
  name: string,
  given: { labels?: object; phase?: string; at?: string } = {},
) {
  const { labels = LABELS, phase = "Running", at = "2026-01-01T00:00:00Z" } = given;
  const metadata = { name, namespace: "default", labels, creationTimestamp: at };
  return fake.put("pods", {
    metadata,
    spec: { containers: [{ name: "c", image: "i" }] },
    status: { phase },
  });
}

function item(of: ReturnType<typeof put>, given: Partial<PlanItem> = {}): PlanItem {
  const { name, uid, resourceVersion, creationTimestamp } = of.metadata;
  return {
    resource: "pods",
    ref: { namespace: "default", name },
    uid,
    resourceVersion,
    createdAt: new Date(creationTimestamp),
    reason: "orphaned",
    message: "",
    run: RUN,
    cluster: CLUSTER,
    order: 1,
    running: true,
    ...given,
  };
}

const FLOW_POD = { "prefect.io/flow_run_id": RUN_A };

describe("sweep", () => {
  it.each<{
    name: string;
    view: RunStatus;
    before?: (fake: FakeKubernetes) => void;
    kind: string;
    why?: string;
  }>([
    { name: "deletes what is orphaned still", view: known("Failed"), kind: "deleted" },
    {
      name: "deletes what belongs to a run that is deleted by now",
      view: { kind: "missing" },
      kind: "deleted",
    },
    {
      name: "spares what belongs to a run that is alive again",
      view: known("Scheduled"),
      kind: "skipped",
      why: "its flow run is Scheduled now",
    },
    {
      name: "spares what belongs to a run whose state cannot be read",
      view: { kind: "unknown" },
      kind: "skipped",
      why: `the state of flow run "${RUN_A}" cannot be read now`,
    },
    {
      name: "spares a cluster whose run has a living pod",
      view: known("Failed"),
      before: (fake) => put(fake, "flow", { labels: FLOW_POD }),
      kind: "skipped",
      why: 'pod "flow" of its flow run lives',
    },
    {
      name: "does not count finished pods of the run",
      view: known("Failed"),
      before: (fake) => put(fake, "flow", { labels: FLOW_POD, phase: "Failed" }),
      kind: "deleted",
    },
    {
      name: "does not count Dask pods that carry the run's label",
      view: known("Failed"),
      before: (fake) => put(fake, "twin", { labels: { ...LABELS, ...FLOW_POD } }),
      kind: "deleted",
    },
  ])("$name", async ({ view, before, kind, why }) => {
    const { fake, go } = await clusterWith(view);
    const worker = put(fake, "worker");
    before?.(fake);
    expect(await go([item(worker)])).toMatchObject([
      { outcome: why === undefined ? { kind } : { kind, why } },
    ]);
    expect(fake.get("pods", "default", "worker") === undefined || kind === "deleted").toBe(
      kind === "deleted",
    );
  });

  it("spares another object that has the name now", async () => {
    const { fake, go } = await clusterWith(known("Failed"));
    const before = put(fake, "worker", { phase: "Succeeded" });
    fake.remove("pods", "default", "worker");
    put(fake, "worker", { phase: "Succeeded" });
    const done = await go([item(before, { reason: "finished" })]);
    expect(done).toMatchObject([{ outcome: { kind: "skipped", why: "another object has its name now" } }]);
    expect(fake.get("pods", "default", "worker")).toBeDefined();
  });

  it("calls gone what somebody else removed", async () => {
    const { fake, go } = await clusterWith(known("Failed"));
    const before = put(fake, "worker", { phase: "Succeeded" });
    fake.remove("pods", "default", "worker");
    const items = [item(before, { reason: "finished" }), item(before)];
    expect((await go(items)).map(({ outcome }) => outcome.kind)).toEqual(["gone", "gone"]);
  });

  it("asks nothing of a finished object before it goes", async () => {
    const { fake, go } = await clusterWith({ kind: "unknown" });
    const items = ["a", "b", "c"].map((name) =>
      item(put(fake, name, { phase: "Succeeded" }), { reason: "finished" }),
    );
    await go(items);
    expect(fake.requests.entries.map(({ verb }) => verb)).toEqual(["delete", "delete", "delete"]);
  });

  it.each([
    { name: "deletes a replaced cluster", at: "2026-01-01T01:00:00Z", kind: "deleted" },
    {
      name: "spares a replaced cluster that a pod may have made after all",
      at: "2025-12-31T23:00:00Z",
      kind: "skipped",
    },
  ])("$name", async ({ at, kind }) => {
    const { fake, go } = await clusterWith(known("Running"));
    const worker = put(fake, "worker");
    put(fake, "flow", { labels: FLOW_POD, at });
    expect((await go([item(worker, { reason: "replaced" })]))[0]?.outcome.kind).toBe(kind);
  });

  it("spares a Service whose cluster has a pod again", async () => {
    const { fake, go } = await clusterWith(known("Failed"));
    const service = fake.put("services", {
      metadata: { name: CLUSTER, namespace: "default" },
      spec: { ports: [{ port: 1 }] },
    });
    const wanted = item(service, { resource: "services", reason: "no-pods", order: 4 });
    put(fake, "worker");
    expect(await go([wanted])).toMatchObject([
      { outcome: { kind: "skipped", why: "a pod of its cluster is there" } },
    ]);
    fake.remove("pods", "default", "worker");
    const gone = (): boolean => fake.get("pods", "default", "worker") === undefined;
    if (!gone()) put(fake, "worker", { phase: "Succeeded", labels: {} });
    expect((await go([wanted]))[0]?.outcome.kind).toBe("deleted");
  });
});
