// Each object is rechecked right before it is deleted, on a cluster that changes between the plan and the deletion.

import type { RunStatus } from "../../src/orchestrator/flow-run.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { connectKube } from "../../src/kube/client/connect.ts";
import type { OwnerRun, PlanItem } from "../../src/cleanup/item.ts";
import { sweep } from "../../src/cleanup/sweep.ts";
import type { ItemResult } from "../../src/cleanup/sweep.ts";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { known, nameFor, RUN_A } from "../dask/samples.ts";

const CLUSTER = nameFor(RUN_A);
const LABELS = { app: "dask", "dask.org/cluster-name": CLUSTER, "dask.org/component": "worker" };
const RUN: OwnerRun = {
  flowRunId: RUN_A,
  name: undefined,
  prefectVersion: 1,
  status: known("Failed"),
  namespace: "default",
};

async function clusterWith(status: RunStatus) {
  const fake = await startFakeKubernetes({ controller: false });
  onTestFinished(() => fake.stop());
  const env = { KUBECONFIG: "config" };
  const readFile = (): string => fake.kubeconfig();
  const deps = { env, home: "/", clock: systemClock, readFile, userAgent: "test" };
  const { kube } = await connectKube({}, deps);
  onTestFinished(() => kube.close());
  const states = () => Promise.resolve(new Map([[RUN_A, status]]));
  const { signal } = new AbortController();
  return {
    fake,
    run: (items: readonly PlanItem[], dryRun = false): Promise<readonly ItemResult[]> =>
      sweep({ kube, readStates: states, signal, dryRun }, items),
  };
}

function put(
  fake: FakeKubernetes,
  name: string,
  options: { labels?: object; phase?: string; at?: string } = {},
) {
  const { labels = LABELS, phase = "Running", at = "2026-01-01T00:00:00Z" } = options;
  const metadata = { name, namespace: "default", labels, creationTimestamp: at };
  return fake.put("pods", {
    metadata,
    spec: { containers: [{ name: "c", image: "i" }] },
    status: { phase },
  });
}

function item(of: ReturnType<typeof put>, options: Partial<PlanItem> = {}): PlanItem {
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
    ...options,
  };
}

const FLOW_POD = { "prefect.io/flow_run_id": RUN_A };

describe("sweep", () => {
  it.each<{
    name: string;
    status: RunStatus;
    before?: (fake: FakeKubernetes) => void;
    kind: string;
    reason?: string;
  }>([
    { name: "deletes an object that is still orphaned", status: known("Failed"), kind: "deleted" },
    {
      name: "deletes an object whose run has been deleted",
      status: { kind: "missing" },
      kind: "deleted",
    },
    {
      name: "keeps an object whose run is scheduled again",
      status: known("Scheduled"),
      kind: "skipped",
      reason: "its flow run is Scheduled now",
    },
    {
      name: "keeps an object whose run has an unreadable state",
      status: { kind: "unknown" },
      kind: "skipped",
      reason: `cannot read the state of flow run "${RUN_A}"`,
    },
    {
      name: "keeps a Dask cluster whose run has a running pod",
      status: known("Failed"),
      before: (fake) => put(fake, "flow", { labels: FLOW_POD }),
      kind: "skipped",
      reason: 'pod "flow" of its flow run is running',
    },
    {
      name: "ignores finished pods of the run",
      status: known("Failed"),
      before: (fake) => put(fake, "flow", { labels: FLOW_POD, phase: "Failed" }),
      kind: "deleted",
    },
    {
      name: "ignores Dask pods with the run's label",
      status: known("Failed"),
      before: (fake) => put(fake, "twin", { labels: { ...LABELS, ...FLOW_POD } }),
      kind: "deleted",
    },
  ])("$name", async ({ status, before, kind, reason }) => {
    const { fake, run } = await clusterWith(status);
    const worker = put(fake, "worker");
    before?.(fake);
    expect(await run([item(worker)])).toMatchObject([
      { outcome: reason === undefined ? { kind } : { kind, reason } },
    ]);
    expect(fake.get("pods", "default", "worker") === undefined || kind === "deleted").toBe(
      kind === "deleted",
    );
  });

  it("keeps another object that has the same name", async () => {
    const { fake, run } = await clusterWith(known("Failed"));
    const before = put(fake, "worker", { phase: "Succeeded" });
    fake.remove("pods", "default", "worker");
    put(fake, "worker", { phase: "Succeeded" });
    const done = await run([item(before, { reason: "finished" })]);
    expect(done).toMatchObject([
      { outcome: { kind: "skipped", reason: "another object has this name now" } },
    ]);
    expect(fake.get("pods", "default", "worker")).toBeDefined();
  });

  it("reports an object that was deleted meanwhile as gone", async () => {
    const { fake, run } = await clusterWith(known("Failed"));
    const before = put(fake, "worker", { phase: "Succeeded" });
    fake.remove("pods", "default", "worker");
    const items = [item(before, { reason: "finished" }), item(before)];
    expect((await run(items)).map(({ outcome }) => outcome.kind)).toEqual(["gone", "gone"]);
  });

  it("deletes finished objects without reading them first", async () => {
    const { fake, run } = await clusterWith({ kind: "unknown" });
    const items = ["a", "b", "c"].map((name) =>
      item(put(fake, name, { phase: "Succeeded" }), { reason: "finished" }),
    );
    await run(items);
    expect(fake.requests.entries.map(({ verb }) => verb)).toEqual(["delete", "delete", "delete"]);
  });

  it.each([
    { name: "deletes a replaced cluster", at: "2026-01-01T01:00:00Z", kind: "deleted" },
    {
      name: "keeps a replaced cluster that an older pod may have created",
      at: "2025-12-31T23:00:00Z",
      kind: "skipped",
    },
  ])("$name", async ({ at, kind }) => {
    const { fake, run } = await clusterWith(known("Running"));
    const worker = put(fake, "worker");
    put(fake, "flow", { labels: FLOW_POD, at });
    expect((await run([item(worker, { reason: "replaced" })]))[0]?.outcome.kind).toBe(kind);
  });

  it("keeps a Service whose Dask cluster has a pod again, unless a dry run would delete the pod", async () => {
    const { fake, run } = await clusterWith(known("Failed"));
    const service = fake.put("services", {
      metadata: { name: CLUSTER, namespace: "default" },
      spec: { ports: [{ port: 1 }] },
    });
    const wanted = item(service, { resource: "services", reason: "no-pods", order: 4 });
    put(fake, "worker");
    expect(await run([wanted])).toMatchObject([
      { outcome: { kind: "skipped", reason: "its Dask cluster has a pod again" } },
    ]);
    expect(await run([item(fake.get("pods", "default", "worker")!), wanted], true)).toMatchObject([
      { outcome: { kind: "deleted" } },
      { outcome: { kind: "deleted" } },
    ]);
    fake.remove("pods", "default", "worker");
    const gone = (): boolean => fake.get("pods", "default", "worker") === undefined;
    if (!gone()) put(fake, "worker", { phase: "Succeeded", labels: {} });
    expect((await run([wanted]))[0]?.outcome.kind).toBe("deleted");
  });
});
