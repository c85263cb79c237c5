// The Dask clusters of runs that are cancelled or lose their pod, in a real cluster: all their objects are deleted, and a run becomes
// Cancelled only when its workers have terminated. The workers are pods with Dask's labels.

import { DEFAULT_POLICY } from "../../src/job/decide/policy.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startInProcessAgent } from "./support/in-process-agent.ts";
import { countsDeletedPods, listed } from "./support/kubectl.ts";
import { apply, daskFront, daskPod, WORKS } from "./support/leftovers.ts";
import { RUNS_ON } from "./support/shell-flow.ts";
import { eventually, TestSetup } from "./support/test-setup.ts";

const POLICY = { ...DEFAULT_POLICY, cancelGraceMs: 2_000 };

let setup: TestSetup;
let agent: { readonly ended: Promise<void> };
const stop = new AbortController();

beforeAll(async () => {
  setup = await TestSetup.open("supervise-dask");
  agent = await startInProcessAgent(setup, {
    namespace: setup.namespace,
    label: "dask",
    policy: POLICY,
    signal: stop.signal,
  });
});

afterAll(async () => {
  stop.abort();
  await agent?.ended;
  await setup?.close();
});

const clusterOf = (id: string): string => `dask-${id}-03d5b8bb-0`;

/** A Running run with a Dask cluster: two workers, a scheduler, a Service and a PodDisruptionBudget. */
async function runWithDask(): Promise<string> {
  const id = setup.due(RUNS_ON, ["dask"]);
  await setup.untilState(id, "Running");
  applyDask(clusterOf(id));
  await eventually(() => expect(phasesOf(clusterOf(id))).toEqual(["Running", "Running", "Running"]));
  return id;
}

function applyDask(cluster: string): void {
  const pods = ["worker-0", "worker-1", "scheduler"].map((name) =>
    daskPod(`${cluster}-${name}`, cluster, WORKS),
  );
  apply(setup.namespace, [...pods, ...daskFront(cluster)]);
}

const phasesOf = (cluster: string): (string | undefined)[] =>
  listed("pods", setup.namespace)
    .filter(({ metadata }) => metadata.labels?.["dask.org/cluster-name"] === cluster)
    .map(({ status }) => status?.phase);

/** The existing objects of the cluster. */
function objectsOf(cluster: string): string[] {
  const names = setup.kubectl("get", "pods,services,poddisruptionbudgets", "-o", "name");
  return names.split("\n").filter((name) => name.includes(cluster));
}

describe("the Dask cluster of a run", () => {
  it("that is cancelled has terminated when the run becomes Cancelled; another run's cluster is kept", async () => {
    const id = await runWithDask();
    const other = "0b0b0b0b-2222-4222-8222-bbbbbbbbbbbb";
    applyDask(clusterOf(other));
    let phases: string[] | undefined;
    const forget = setup.prefect.on(() => {
      if (phases === undefined && setup.prefect.stateOf(id) === "Cancelled")
        phases = phasesOf(clusterOf(id)).map(String);
    });
    setup.prefect.setState(id, { type: "Cancelling" });
    await setup.untilState(id, "Cancelled");
    forget();
    expect(phases?.filter((phase) => phase !== "Succeeded" && phase !== "Failed")).toEqual([]);
    await eventually(() => expect(objectsOf(clusterOf(id))).toEqual([]));
    expect(objectsOf(clusterOf(other))).toHaveLength(5);
    await setup.untilNoJobs();
  });

  it.runIf(countsDeletedPods())("whose pod is deleted is deleted after the run becomes Failed", async () => {
    const id = await runWithDask();
    setup.kubectl("delete", "pods", "-l", `prefect.io/flow_run_id=${id}`, "--wait=false");
    await setup.untilState(id, "Failed");
    await eventually(() => expect(objectsOf(clusterOf(id))).toEqual([]));
    await setup.untilNoJobs();
  });
});
