// The Dask clusters of runs that are cancelled, or lose their pod: gone with everything that they are made of, in a real cluster,
// before Prefect hears that nothing is left. The workers are pods with Dask's labels; what only looks like them stays.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startAgentHere } from "./support/agent-here.ts";
import { listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { shellRun } from "./support/shell-flow.ts";

const RUNS_ON = "state Running Running; trap 'exit 143' TERM; while true; do sleep 0.2; done";
const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 2_000 };
const PATIENCE = { timeout: 120_000, interval: 300 };

let namespace: string;
let world: ReachablePrefect;
let agent: { readonly ended: Promise<void> };
const stop = new AbortController();

beforeAll(async () => {
  namespace = await createNamespace("supervise-dask");
  world = await startReachablePrefect();
  agent = await startAgentHere(world, { namespace, label: "dask", policy: POLICY, signal: stop.signal });
});

afterAll(async () => {
  stop.abort();
  await agent?.ended;
  await world?.prefect.stop();
  if (namespace !== undefined) removeNamespace(namespace);
});

const clusterOf = (id: string): string => `dask-${id}-03d5b8bb-0`;

/** A run at work, with a Dask cluster of two workers, a scheduler, a Service and a budget. */
async function runWithDask(): Promise<string> {
  const flow = world.prefect.createFlow({ name: "dask" });
  const runConfig = shellRun(RUNS_ON);
  const { id } = world.prefect.createFlowRun({ flow, labels: ["dask"], runConfig });
  const isRunning = (): boolean => world.prefect.flowRun(id)?.state === "Running";
  await world.prefect.until(isRunning, { what: "a running run", timeoutMs: 120_000 });
  apply(clusterOf(id));
  await vi.waitFor(
    () => expect(phasesOf(clusterOf(id))).toEqual(["Running", "Running", "Running"]),
    PATIENCE,
  );
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

/** What stands of the cluster, by name. */
function leftOf(cluster: string): string[] {
  const names = mustKubectl(["get", "pods,services,poddisruptionbudgets", "-n", namespace, "-o", "name"]);
  return names.split("\n").filter((name) => name.includes(cluster));
}

describe("the Dask cluster of a run", () => {
  it("that is cancelled is gone when the run is Cancelled; another run's stays", async () => {
    const id = await runWithDask();
    const other = "0b0b0b0b-2222-4222-8222-bbbbbbbbbbbb";
    apply(clusterOf(other));
    let left: string[] | undefined;
    const forget = world.prefect.on(() => {
      if (left === undefined && world.prefect.flowRun(id)?.state === "Cancelled")
        left = phasesOf(clusterOf(id)).map(String);
    });
    world.prefect.setState(id, { type: "Cancelling" });
    await vi.waitFor(() => expect(world.prefect.flowRun(id)?.state).toBe("Cancelled"), PATIENCE);
    forget();
    expect(left?.filter((phase) => phase !== "Succeeded" && phase !== "Failed")).toEqual([]);
    await vi.waitFor(() => expect(leftOf(clusterOf(id))).toEqual([]), PATIENCE);
    expect(leftOf(clusterOf(other))).toHaveLength(5);
    await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), PATIENCE);
  });

  it("whose pod is killed goes once the run is Failed", async () => {
    const id = await runWithDask();
    const pod = listed("pods", namespace).find(
      ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
    );
    mustKubectl(["delete", "pod", pod?.metadata.name ?? "", "-n", namespace, "--wait=false"]);
    await vi.waitFor(() => expect(world.prefect.flowRun(id)?.state).toBe("Failed"), PATIENCE);
    await vi.waitFor(() => expect(leftOf(clusterOf(id))).toEqual([]), PATIENCE);
    await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), PATIENCE);
  });
});
