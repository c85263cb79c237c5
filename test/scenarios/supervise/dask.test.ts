// The agent deletes the Dask clusters of flow runs that were cancelled or lost their pod. It keeps those of runs that are active
// or ended by themselves, and those without a known run. The run becomes Cancelled when no worker is left.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import type { Policy } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startInProcessAgent } from "../support/in-process-agent.ts";
import type { InProcessAgent } from "../support/in-process-agent.ts";
import { startFakes } from "../support/fakes.ts";
import type { Fakes } from "../support/fakes.ts";
import { putRunJob } from "../support/run-job.ts";

const POLICY: Policy = {
  ...DEFAULT_POLICY,
  startGraceMs: 50,
  cancelGraceMs: 50,
  exitGraceMs: 50,
  sidecarGraceMs: 50,
};
const WAIT = { timeout: 30_000, interval: 10 };
const RUN_LABEL = "prefect.io/flow_run_id";
const DASK = ["pods", "services", "poddisruptionbudgets", "daskclusters.kubernetes.dask.org"];

interface Setup {
  readonly fakes: Fakes;
  readonly id: string;
  readonly agent: InProcessAgent;
}

interface Options {
  readonly script: PodScript;
  /** The run's state before the agent starts. */
  readonly state?: string;
  readonly policy?: Partial<Policy>;
  /** Creates the Dask objects of the run with this id. */
  readonly dask: (fakes: Fakes, id: string) => void;
  readonly before?: (fakes: Fakes, id: string) => void;
}

/** A run with a Job and Dask objects, and an agent that starts after them. */
async function setUp(options: Options): Promise<Setup> {
  const fakes = await startFakes({
    speed: 20,
    script: () => options.script,
    runsFlow: () => options.state === undefined,
  });
  onTestFinished(() => fakes.stop());
  const flow = fakes.prefect.createFlow({ name: "etl" });
  const { id } = fakes.prefect.createFlowRun({ flow });
  fakes.prefect.setState(id, { type: options.state ?? "Submitted" });
  putRunJob(fakes.kube, id, { env: [{ name: "PREFECT__CLOUD__API", value: fakes.prefect.url }] });
  options.dask(fakes, id);
  options.before?.(fakes, id);
  const agent = await startInProcessAgent(fakes, { policy: { ...POLICY, ...options.policy } });
  onTestFinished(() => agent.stop());
  return { fakes, id, agent };
}

const nameFor = (id: string, uuid = "03d5b8bb-0"): string => `dask-${id}-${uuid}`;

/** Two workers, a scheduler, its Service and its budget, as KubeCluster makes them in remote mode. */
function putCluster(fakes: Fakes, cluster: string): void {
  for (const role of ["worker", "worker", "scheduler"]) putPod(fakes, cluster, { role });
  const labels = labelsOf(cluster, "scheduler");
  const metadata = { name: cluster, namespace: "default" };
  fakes.kube.put("services", { metadata: { ...metadata, labels }, spec: { selector: labels } });
  fakes.kube.put("poddisruptionbudgets", { metadata, spec: { selector: { matchLabels: labels } } });
}

let serial = 0;

function putPod(
  fakes: Fakes,
  cluster: string,
  pod: { role: string; phase?: string; env?: JsonObject[] },
): void {
  const { role, phase = "Running", env = [] } = pod;
  const name = `${cluster}${String(++serial).padStart(5, "0")}`;
  fakes.kube.put("pods", {
    metadata: { name, namespace: "default", labels: labelsOf(cluster, role) },
    spec: { containers: [{ name: "dask", image: "dask:1", env }] },
    status: { phase },
  });
}

function labelsOf(cluster: string, role: string): Record<string, string> {
  return { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role };
}

/** The names of all Dask objects. */
function daskIn(fakes: Fakes): string[] {
  return DASK.flatMap((resource) => fakes.kube.list(resource, "default"))
    .filter(({ metadata }) => metadata.labels?.[RUN_LABEL] === undefined)
    .map(({ metadata }) => metadata.name);
}

const stateOf = ({ fakes, id }: Setup): string => fakes.prefect.flowRun(id)?.state ?? "(deleted)";

async function untilGone({ fakes }: Setup): Promise<void> {
  await vi.waitFor(() => expect(fakes.kube.list("jobs")).toEqual([]), WAIT);
}

const requestsFor = ({ fakes }: Setup, resource: string): number =>
  fakes.kube.requests.entries.filter((entry) => entry.resource === resource).length;

describe("the Dask cluster of a run", () => {
  const whole = (fakes: Fakes, id: string): void => putCluster(fakes, nameFor(id));

  it("that is cancelled is deleted with its Job before the run becomes Cancelled", async () => {
    const left: string[][] = [];
    const setup = await setUp({
      script: { outcome: "never" },
      state: "Cancelling",
      dask: whole,
      before: (fakes, id) =>
        void fakes.prefect.on(() => {
          if (fakes.prefect.flowRun(id)?.state === "Cancelled") left.push(daskIn(fakes));
        }),
    });
    await vi.waitFor(() => expect(stateOf(setup)).toBe("Cancelled"), WAIT);
    expect(left[0]).toEqual([]);
    await untilGone(setup);
    expect(setup.agent.lines.filter((line) => line.includes("Dask cluster deleted"))).toHaveLength(1);
  });

  it.each<{ name: string; options: Omit<Options, "dask">; state: string }>([
    {
      name: "that is Cancelled already",
      options: { script: { outcome: "never" }, state: "Cancelled" },
      state: "Cancelled",
    },
    { name: "whose pod died", options: { script: { outcome: "fail", exitCode: 137 } }, state: "Failed" },
    {
      name: "whose Job still runs after the run has finished",
      options: { script: { outcome: "never" }, state: "Success" },
      state: "Success",
    },
    {
      name: "whose Job is never deleted",
      options: { script: { outcome: "fail" }, policy: { deleteFailedAfterMs: undefined } },
      state: "Failed",
    },
  ])("$name is deleted", async ({ options, state }) => {
    const setup = await setUp({ ...options, dask: whole });
    await vi.waitFor(() => expect([stateOf(setup), ...daskIn(setup.fakes)]).toEqual([state]), WAIT);
  });

  it("that no longer exists in Prefect is deleted with its Job", async () => {
    const setup = await setUp({
      script: { outcome: "never" },
      state: "Running",
      dask: (fakes, id) => {
        whole(fakes, id);
        fakes.prefect.deleteFlowRun(id);
      },
    });
    await untilGone(setup);
    expect(daskIn(setup.fakes)).toEqual([]);
  });

  it("that ends by itself is left to the flow: the agent does not list Dask objects", async () => {
    const setup = await setUp({ script: { outcome: "succeed" }, dask: whole });
    await vi.waitFor(() => expect(stateOf(setup)).toBe("Success"), WAIT);
    await untilGone(setup);
    expect(daskIn(setup.fakes)).toHaveLength(5);
    expect(requestsFor(setup, "services")).toBe(0);
  });

  it("is deleted with its completed pods, and with its DaskCluster if it belongs to the Dask operator", async () => {
    const setup = await setUp({
      script: { outcome: "fail" },
      dask: (fakes, id) => {
        putPod(fakes, nameFor(id), { role: "worker", phase: "Succeeded" });
        const metadata = { name: nameFor(id, "11111111-1"), namespace: "default" };
        fakes.kube.put("daskclusters.kubernetes.dask.org", { metadata, spec: {} });
      },
    });
    await vi.waitFor(() => expect(daskIn(setup.fakes)).toEqual([]), WAIT);
  });

  it("is kept if it belongs to another run or to no run, or is annotated to be kept", async () => {
    const other = "0b0b0b0b-2222-4222-8222-bbbbbbbbbbbb";
    const setup = await setUp({
      script: { outcome: "fail" },
      dask: (fakes, id) => {
        putPod(fakes, nameFor(other), { role: "worker" });
        putPod(fakes, "dask-jane-03d5b8bb-0", { role: "worker" });
        putPod(fakes, nameFor(id), { role: "worker" });
        const metadata = {
          name: nameFor(id),
          namespace: "default",
          annotations: { "prefect.io/keep": "true" },
        };
        const labels = labelsOf(nameFor(id), "scheduler");
        fakes.kube.put("services", { metadata: { ...metadata, labels }, spec: { selector: labels } });
      },
    });
    await untilGone(setup);
    expect(
      daskIn(setup.fakes)
        .map((name) => name.replace(/\d{5}$/, ""))
        .sort(),
    ).toEqual([nameFor(other), "dask-jane-03d5b8bb-0", nameFor(setup.id)].sort());
  });

  it("is kept while another pod of the run is Running", async () => {
    const setup = await setUp({
      script: { outcome: "fail" },
      dask: (fakes, id) => {
        putCluster(fakes, nameFor(id));
        const metadata = { name: "by-hand", namespace: "default", labels: { [RUN_LABEL]: id } };
        fakes.kube.put("pods", { metadata, spec: { containers: [] }, status: { phase: "Running" } });
      },
    });
    await untilGone(setup);
    expect(stateOf(setup)).toBe("Failed");
    expect(daskIn(setup.fakes)).toHaveLength(5);
  });
});

describe("an agent that starts after the Job of a cancelled run was deleted", () => {
  it("deletes the Dask cluster and sets Cancelled", async () => {
    const fakes = await startFakes({ speed: 20, script: () => ({ outcome: "never" }) });
    onTestFinished(() => fakes.stop());
    const { id } = fakes.prefect.createFlowRun({ flow: fakes.prefect.createFlow({ name: "etl" }) });
    const first = await startInProcessAgent(fakes, { policy: POLICY });
    await fakes.prefect.until(() => fakes.prefect.flowRun(id)?.state === "Running", { timeoutMs: 12_000 });
    await first.stop();
    putCluster(fakes, nameFor(id));
    fakes.prefect.setState(id, { type: "Cancelling" });
    for (const { metadata } of fakes.kube.list("jobs")) fakes.kube.remove("jobs", "default", metadata.name);
    await vi.waitFor(() => expect(fakes.kube.list("jobs")).toEqual([]), WAIT);
    const second = await startInProcessAgent(fakes, { policy: POLICY });
    onTestFinished(() => second.stop());
    await vi.waitFor(
      () => expect([fakes.prefect.flowRun(id)?.state, ...daskIn(fakes)]).toEqual(["Cancelled"]),
      WAIT,
    );
  });
});

describe("an agent without permission to", () => {
  it.each(["list", "delete"] as const)(
    "%s Dask objects logs it once and does everything else",
    async (verb) => {
      const setup = await setUp({
        script: { outcome: "never" },
        state: "Cancelling",
        dask: (fakes, id) => putCluster(fakes, nameFor(id)),
        before: (fakes) =>
          void fakes.kube.forbid({
            verbs: [verb],
            resources:
              verb === "list" ? ["services", "poddisruptionbudgets", "daskclusters"] : ["pods", "services"],
          }),
      });
      await vi.waitFor(() => expect(stateOf(setup)).toBe("Cancelled"), WAIT);
      await untilGone(setup);
      const warnings = setup.agent.lines.filter((line) => line.includes("Missing permission to delete"));
      expect(warnings.map((line) => /delete (\w+)/.exec(line)?.[1])).toEqual(
        verb === "list" ? [] : ["pods", "services"],
      );
      expect(daskIn(setup.fakes)).toHaveLength(verb === "list" ? 2 : 4);
    },
  );
});

describe("many runs that fail together", () => {
  it("share requests that list Dask objects", async () => {
    const fakes = await startFakes({ speed: 20, script: () => ({ outcome: "fail" }), runsFlow: () => false });
    onTestFinished(() => fakes.stop());
    const flow = fakes.prefect.createFlow({ name: "etl" });
    const ids = Array.from({ length: 60 }, () => fakes.prefect.createFlowRun({ flow }).id);
    for (const id of ids) putCluster(fakes, nameFor(id));
    const agent = await startInProcessAgent(fakes, { policy: POLICY });
    onTestFinished(() => agent.stop());
    await vi.waitFor(() => {
      expect(ids.map((id) => fakes.prefect.flowRun(id)?.state)).toEqual(ids.map(() => "Failed"));
      expect(daskIn(fakes)).toEqual([]);
    }, WAIT);
    const lists = fakes.kube.requests.entries.filter(
      ({ resource, verb }) => resource === "services" && verb === "list",
    );
    expect(lists.length).toBeLessThan(ids.length);
  });
});
