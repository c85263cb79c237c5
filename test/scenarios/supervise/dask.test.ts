// The Dask clusters of flow runs that were cancelled or lost their pod go with them; those of runs that work, that ended by
// themselves, or that nothing ties to the run, stay. Cancelled is said when no worker is left.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import type { Policy } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere } from "../support/agent-here.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const POLICY: Policy = {
  ...DEFAULT_POLICY,
  startGraceMs: 50,
  cancelGraceMs: 50,
  exitGraceMs: 50,
  sidecarGraceMs: 50,
};
const PATIENCE = { timeout: 30_000, interval: 10 };
const RUN_LABEL = "prefect.io/flow_run_id";
const DASK = ["pods", "services", "poddisruptionbudgets", "daskclusters.kubernetes.dask.org"];

interface Scene {
  readonly world: World;
  readonly id: string;
  readonly agent: AgentHere;
}

interface Given {
  readonly script: PodScript;
  /** The run's state before the agent looks. */
  readonly state?: string;
  readonly policy?: Partial<Policy>;
  /** Puts Dask's objects for a run of this id. */
  readonly dask: (world: World, id: string) => void;
  readonly before?: (world: World, id: string) => void;
}

/** A run whose Job stands already, Dask's objects, and an agent that comes to it. */
async function scene(given: Given): Promise<Scene> {
  const world = await startWorld({ script: () => given.script, doesRun: () => given.state === undefined });
  onTestFinished(() => world.stop());
  const flow = world.prefect.createFlow({ name: "story" });
  const { id } = world.prefect.createFlowRun({ flow });
  world.prefect.setState(id, { type: given.state ?? "Submitted" });
  world.kube.put("jobs", jobOf(id, world.prefect.url));
  given.dask(world, id);
  given.before?.(world, id);
  const agent = await startAgentHere(world, { settings: { policy: { ...POLICY, ...given.policy } } });
  onTestFinished(() => agent.stop());
  return { world, id, agent };
}

function jobOf(id: string, api: string): JsonObject {
  const labels = { [RUN_LABEL]: id, "prefect.io/identifier": "0a1b2c3d" };
  const env = [{ name: "PREFECT__CLOUD__API", value: api }];
  const containers = [{ name: "flow", image: "flows:1", env }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  const metadata = { name: "prefect-job-0a1b2c3d", namespace: "default", labels };
  return { metadata, spec: { backoffLimit: 0, completions: 1, parallelism: 1, template } };
}

const nameFor = (id: string, uuid = "03d5b8bb-0"): string => `dask-${id}-${uuid}`;

/** Two workers, a scheduler, its Service and its budget, as KubeCluster makes them in remote mode. */
function putCluster(world: World, cluster: string): void {
  for (const role of ["worker", "worker", "scheduler"]) putPod(world, cluster, { role });
  const labels = labelsOf(cluster, "scheduler");
  const metadata = { name: cluster, namespace: "default" };
  world.kube.put("services", { metadata: { ...metadata, labels }, spec: { selector: labels } });
  world.kube.put("poddisruptionbudgets", { metadata, spec: { selector: { matchLabels: labels } } });
}

let serial = 0;

function putPod(
  world: World,
  cluster: string,
  given: { role: string; phase?: string; env?: JsonObject[] },
): void {
  const { role, phase = "Running", env = [] } = given;
  const name = `${cluster}${String(++serial).padStart(5, "0")}`;
  world.kube.put("pods", {
    metadata: { name, namespace: "default", labels: labelsOf(cluster, role) },
    spec: { containers: [{ name: "dask", image: "dask:1", env }] },
    status: { phase },
  });
}

function labelsOf(cluster: string, role: string): Record<string, string> {
  return { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role };
}

/** The names of all that is Dask's and stands. */
function daskIn(world: World): string[] {
  return DASK.flatMap((resource) => world.kube.list(resource, "default"))
    .filter(({ metadata }) => metadata.labels?.[RUN_LABEL] === undefined)
    .map(({ metadata }) => metadata.name);
}

const stateOf = ({ world, id }: Scene): string => world.prefect.flowRun(id)?.state ?? "(deleted)";

async function untilGone({ world }: Scene): Promise<void> {
  await vi.waitFor(() => expect(world.kube.list("jobs")).toEqual([]), PATIENCE);
}

const requestsFor = ({ world }: Scene, resource: string): number =>
  world.kube.requests.entries.filter((entry) => entry.resource === resource).length;

describe("the Dask cluster of a run", () => {
  const whole = (world: World, id: string): void => putCluster(world, nameFor(id));

  it("that is cancelled goes with its Job, before the run is Cancelled", async () => {
    const left: string[][] = [];
    const here = await scene({
      script: { fate: "never" },
      state: "Cancelling",
      dask: whole,
      before: (world, id) =>
        void world.prefect.on(() => {
          if (world.prefect.flowRun(id)?.state === "Cancelled") left.push(daskIn(world));
        }),
    });
    await vi.waitFor(() => expect(stateOf(here)).toBe("Cancelled"), PATIENCE);
    expect(left[0]).toEqual([]);
    await untilGone(here);
    expect(here.agent.lines.filter((line) => line.includes("Dask cluster deleted"))).toHaveLength(1);
  });

  it.each<{ name: string; given: Omit<Given, "dask">; state: string }>([
    {
      name: "that is Cancelled already",
      given: { script: { fate: "never" }, state: "Cancelled" },
      state: "Cancelled",
    },
    { name: "whose pod died", given: { script: { fate: "fail", exitCode: 137 } }, state: "Failed" },
    {
      name: "whose Job runs on after its end",
      given: { script: { fate: "never" }, state: "Success" },
      state: "Success",
    },
    {
      name: "whose Job is kept for ever",
      given: { script: { fate: "fail" }, policy: { deleteFailedAfterMs: undefined } },
      state: "Failed",
    },
  ])("$name goes", async ({ given, state }) => {
    const here = await scene({ ...given, dask: whole });
    await vi.waitFor(() => expect([stateOf(here), ...daskIn(here.world)]).toEqual([state]), PATIENCE);
  });

  it("that was deleted from Prefect goes with its Job", async () => {
    const here = await scene({
      script: { fate: "never" },
      state: "Running",
      dask: (world, id) => {
        whole(world, id);
        world.prefect.deleteFlowRun(id);
      },
    });
    await untilGone(here);
    expect(daskIn(here.world)).toEqual([]);
  });

  it("that ends by itself is the flow's own to close: nobody looks for it", async () => {
    const here = await scene({ script: { fate: "succeed" }, dask: whole });
    await vi.waitFor(() => expect(stateOf(here)).toBe("Success"), PATIENCE);
    await untilGone(here);
    expect(daskIn(here.world)).toHaveLength(5);
    expect(requestsFor(here, "services")).toBe(0);
  });

  it("goes, also what of it merely completed, and what is the operator's by its DaskCluster", async () => {
    const here = await scene({
      script: { fate: "fail" },
      dask: (world, id) => {
        putPod(world, nameFor(id), { role: "worker", phase: "Succeeded" });
        const metadata = { name: nameFor(id, "11111111-1"), namespace: "default" };
        world.kube.put("daskclusters.kubernetes.dask.org", { metadata, spec: {} });
      },
    });
    await vi.waitFor(() => expect(daskIn(here.world)).toEqual([]), PATIENCE);
  });

  it("stays where it is another run's, kept by its owner, or not tied to the run", async () => {
    const other = "0b0b0b0b-2222-4222-8222-bbbbbbbbbbbb";
    const here = await scene({
      script: { fate: "fail" },
      dask: (world, id) => {
        putPod(world, nameFor(other), { role: "worker" });
        putPod(world, "dask-jane-03d5b8bb-0", { role: "worker" });
        putPod(world, nameFor(id), { role: "worker" });
        const metadata = {
          name: nameFor(id),
          namespace: "default",
          annotations: { "prefect.io/keep": "true" },
        };
        const labels = labelsOf(nameFor(id), "scheduler");
        world.kube.put("services", { metadata: { ...metadata, labels }, spec: { selector: labels } });
      },
    });
    await untilGone(here);
    expect(
      daskIn(here.world)
        .map((name) => name.replace(/\d{5}$/, ""))
        .sort(),
    ).toEqual([nameFor(other), "dask-jane-03d5b8bb-0", nameFor(here.id)].sort());
  });

  it("stays while a pod of the run works, whatever its old Job came to", async () => {
    const here = await scene({
      script: { fate: "fail" },
      dask: (world, id) => {
        putCluster(world, nameFor(id));
        const metadata = { name: "by-hand", namespace: "default", labels: { [RUN_LABEL]: id } };
        world.kube.put("pods", { metadata, spec: { containers: [] }, status: { phase: "Running" } });
      },
    });
    await untilGone(here);
    expect(stateOf(here)).toBe("Failed");
    expect(daskIn(here.world)).toHaveLength(5);
  });
});

describe("an agent that comes when the Job of a cancelled run is gone already", () => {
  it("ends its Dask cluster all the same, and says Cancelled", async () => {
    const world = await startWorld({ script: () => ({ fate: "never" }) });
    onTestFinished(() => world.stop());
    const { id } = world.prefect.createFlowRun({ flow: world.prefect.createFlow({ name: "story" }) });
    const first = await startAgentHere(world, { name: "first", settings: { policy: POLICY } });
    await world.prefect.until(() => world.prefect.flowRun(id)?.state === "Running", { timeoutMs: 12_000 });
    await first.stop();
    putCluster(world, nameFor(id));
    world.prefect.setState(id, { type: "Cancelling" });
    for (const { metadata } of world.kube.list("jobs")) world.kube.remove("jobs", "default", metadata.name);
    await vi.waitFor(() => expect(world.kube.list("jobs")).toEqual([]), PATIENCE);
    const second = await startAgentHere(world, { name: "second", settings: { policy: POLICY } });
    onTestFinished(() => second.stop());
    await vi.waitFor(
      () => expect([world.prefect.flowRun(id)?.state, ...daskIn(world)]).toEqual(["Cancelled"]),
      PATIENCE,
    );
  });
});

describe("an agent without the right to", () => {
  it.each(["list", "delete"] as const)("%s Dask's objects says so once and does all else", async (verb) => {
    const here = await scene({
      script: { fate: "never" },
      state: "Cancelling",
      dask: (world, id) => putCluster(world, nameFor(id)),
      before: (world) =>
        void world.kube.forbid({
          verbs: [verb],
          resources:
            verb === "list" ? ["services", "poddisruptionbudgets", "daskclusters"] : ["pods", "services"],
        }),
    });
    await vi.waitFor(() => expect(stateOf(here)).toBe("Cancelled"), PATIENCE);
    await untilGone(here);
    const about = here.agent.lines.filter((line) => line.includes("Missing permission to delete"));
    expect(about.map((line) => /delete (\w+)/.exec(line)?.[1])).toEqual(
      verb === "list" ? [] : ["pods", "services"],
    );
    expect(daskIn(here.world)).toHaveLength(verb === "list" ? 2 : 4);
  });
});

describe("many runs that die together", () => {
  it("share their looks for Dask", async () => {
    const world = await startWorld({ script: () => ({ fate: "fail" }), doesRun: () => false });
    onTestFinished(() => world.stop());
    const flow = world.prefect.createFlow({ name: "story" });
    const ids = Array.from({ length: 60 }, () => world.prefect.createFlowRun({ flow }).id);
    for (const id of ids) putCluster(world, nameFor(id));
    const agent = await startAgentHere(world, { settings: { policy: POLICY } });
    onTestFinished(() => agent.stop());
    await vi.waitFor(() => {
      expect(ids.map((id) => world.prefect.flowRun(id)?.state)).toEqual(ids.map(() => "Failed"));
      expect(daskIn(world)).toEqual([]);
    }, PATIENCE);
    const looks = world.kube.requests.entries.filter(
      ({ resource, verb }) => resource === "services" && verb === "list",
    );
    expect(looks.length).toBeLessThan(ids.length);
  });
});
