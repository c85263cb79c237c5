// The Dask clusters of runs that are cancelled or lose their pod, in a real cluster: all their objects are deleted, and a run becomes
// Cancelled only when its workers have terminated. The workers are pods with Dask's labels.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startInProcessAgent } from "./support/in-process-agent.ts";
import { countsDeletedPods, listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { shellRun } from "./support/shell-flow.ts";

const RUNS_ON = "state Running Running; trap 'exit 143' TERM; while true; do sleep 0.2; done";
const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 2_000 };
const WAIT = { timeout: 120_000, interval: 300 };

let namespace: string;
let reachable: ReachablePrefect;
let agent: { readonly ended: Promise<void> };
const stop = new AbortController();

beforeAll(async () => {
  namespace = await createNamespace("supervise-dask");
  reachable = await startReachablePrefect();
  agent = await startInProcessAgent(reachable, {
    namespace,
    label: "dask",
    policy: POLICY,
    signal: stop.signal,
  });
});

afterAll(async () => {
  stop.abort();
  await agent?.ended;
  await reachable?.prefect.stop();
  if (namespace !== undefined) removeNamespace(namespace);
});

const clusterOf = (id: string): string => `dask-${id}-03d5b8bb-0`;

/** A Running run with a Dask cluster: two workers, a scheduler, a Service and a PodDisruptionBudget. */
async function runWithDask(): Promise<string> {
  const flow = reachable.prefect.createFlow({ name: "dask" });
  const runConfig = shellRun(RUNS_ON);
  const { id } = reachable.prefect.createFlowRun({ flow, labels: ["dask"], runConfig });
  const isRunning = (): boolean => reachable.prefect.flowRun(id)?.state === "Running";
  await reachable.prefect.until(isRunning, { what: "a running run", timeoutMs: 120_000 });
  apply(clusterOf(id));
  await vi.waitFor(() => expect(phasesOf(clusterOf(id))).toEqual(["Running", "Running", "Running"]), WAIT);
  return id;
}

function apply(cluster: string): void {
  const metadata = { name: cluster, namespace };
  const labels = labelsOf(cluster, "scheduler");
  const budgets = serverMinor() >= 21 ? "policy/v1" : "policy/v1beta1";
  const ports = [{ name: "comm", port: 8786 }];
  const items = [
    ...["worker", "worker", "scheduler"].map((role, at) => podOf(cluster, role, at)),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, labels },
      spec: { selector: labels, ports },
    },
    {
      apiVersion: budgets,
      kind: "PodDisruptionBudget",
      metadata,
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    },
  ];
  mustKubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

function podOf(cluster: string, role: string, at: number): object {
  const command = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.2; done"];
  const containers = [{ name: "dask", image: "busybox:latest", imagePullPolicy: "IfNotPresent", command }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${cluster}${at}`, namespace, labels: labelsOf(cluster, role) },
    spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 5, containers },
  };
}

function labelsOf(cluster: string, role: string): Record<string, string> {
  return { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role };
}

const podsOf = (cluster: string): ReturnType<typeof listed> =>
  listed("pods", namespace).filter(({ metadata }) => metadata.labels?.["dask.org/cluster-name"] === cluster);

const phasesOf = (cluster: string): (string | undefined)[] =>
  podsOf(cluster).map(({ status }) => status?.phase);

/** The existing objects of the cluster. */
function objectsOf(cluster: string): string[] {
  const names = mustKubectl(["get", "pods,services,poddisruptionbudgets", "-n", namespace, "-o", "name"]);
  return names.split("\n").filter((name) => name.includes(cluster));
}

describe("the Dask cluster of a run", () => {
  it("that is cancelled has terminated when the run becomes Cancelled; another run's cluster is kept", async () => {
    const id = await runWithDask();
    const other = "0b0b0b0b-2222-4222-8222-bbbbbbbbbbbb";
    apply(clusterOf(other));
    let phases: string[] | undefined;
    const forget = reachable.prefect.on(() => {
      if (phases === undefined && reachable.prefect.flowRun(id)?.state === "Cancelled")
        phases = phasesOf(clusterOf(id)).map(String);
    });
    reachable.prefect.setState(id, { type: "Cancelling" });
    await vi.waitFor(() => expect(reachable.prefect.flowRun(id)?.state).toBe("Cancelled"), WAIT);
    forget();
    expect(phases?.filter((phase) => phase !== "Succeeded" && phase !== "Failed")).toEqual([]);
    await vi.waitFor(() => expect(objectsOf(clusterOf(id))).toEqual([]), WAIT);
    expect(objectsOf(clusterOf(other))).toHaveLength(5);
    await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), WAIT);
  });

  it.runIf(countsDeletedPods())("whose pod is deleted is deleted after the run becomes Failed", async () => {
    const id = await runWithDask();
    const pod = listed("pods", namespace).find(
      ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
    );
    mustKubectl(["delete", "pod", pod?.metadata.name ?? "", "-n", namespace, "--wait=false"]);
    await vi.waitFor(() => expect(reachable.prefect.flowRun(id)?.state).toBe("Failed"), WAIT);
    await vi.waitFor(() => expect(objectsOf(clusterOf(id))).toEqual([]), WAIT);
    await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), WAIT);
  });
});
