// Flows of the real Prefect 1.4.1 on real Dask clusters (classic KubeCluster): one ends well, one is cancelled at work, two
// lose their pod and leave their worker; beside them leftovers of remote mode, which needs a cluster DNS, played by busybox.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FLOW_ACCESS } from "../../src/kube/permissions.ts";
import { daskFlow } from "../support/flows/specs.ts";
import { runPlugin, startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { loadFlowImage, whyNoFlowImage } from "./support/flow-image.ts";
import { startGate } from "./support/gate.ts";
import type { Gate } from "./support/gate.ts";
import { listed, mustKubectl } from "./support/kubectl.ts";
import type { Listed } from "./support/kubectl.ts";
import {
  apply,
  daskFront,
  daskPod,
  DONE,
  flowJob,
  job,
  left,
  pod,
  service,
  waitFor,
  WORKS,
} from "./support/leftovers.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";

const absent = whyNoFlowImage();
if (absent !== undefined) process.stderr.write(`skipped, real Dask: ${absent}\n`);

const CLUSTER = "dask.org/cluster-name";
/** Whatever their age; without it ten minutes must have passed. */
const OLD = "--older-than=0s";
/** Twelve Pythons start; on two processors that have other work, too, they take their time. */
const PATIENCE_MS = 600_000;

describe.skipIf(absent !== undefined)("flows on Dask clusters of their own", () => {
  let namespace: string;
  let world: ReachablePrefect;
  let gate: Gate;
  let agent: PluginProcess;
  const runs = { ending: "", cancelled: "", lost: "", late: "" };

  beforeAll(async () => {
    const image = loadFlowImage({ dask: true });
    namespace = await createNamespace("dask");
    allowDask(namespace);
    world = await startReachablePrefect();
    gate = await startGate(new URL(world.api).hostname);
    agent = await startAgent(["-a", world.api, "-n", namespace]);
    const runConfig = { type: "KubernetesRun", image, image_pull_policy: "IfNotPresent" };
    const flow = world.prefect.createFlow(daskFlow());
    const start = (name: keyof typeof runs, workers: number): void => {
      const parameters = { workers, gate: gate.url };
      runs[name] = world.prefect.createFlowRun({ flow, name, runConfig, parameters }).id;
    };
    start("ending", 1);
    start("cancelled", 1);
    start("lost", 1);
    start("late", 1);
    const isAtWork = (id: string): boolean =>
      world.prefect.taskRuns(id).some(({ map_index, state }) => map_index >= 0 && state === "Running");
    const all = (): boolean => Object.values(runs).every(isAtWork);
    await world.prefect.until(all, { what: "work on four clusters", timeoutMs: PATIENCE_MS });
  }, PATIENCE_MS);

  afterAll(async () => {
    await agent?.stop("SIGKILL");
    await gate?.close();
    await world?.prefect.stop();
    if (namespace !== undefined) removeNamespace(namespace);
  });

  const stateOf = (id: string): string => world.prefect.flowRun(id)?.state ?? "";

  /** Dask makes the names of pods from the cluster's; those that busybox plays have others. */
  function workersOf(id: string): readonly Listed[] {
    return listed("pods", namespace).filter(({ metadata }) => metadata.name.startsWith(`dask-${id}-`));
  }

  /** What really is there, also what is still being deleted. */
  function hasAnything(id: string): boolean {
    const flows = [...listed("jobs", namespace), ...listed("pods", namespace)].filter(
      ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
    );
    return flows.length > 0 || workersOf(id).length > 0;
  }

  function losePod(id: string): void {
    const selector = ["-l", `prefect.io/flow_run_id=${id}`];
    mustKubectl(["delete", "pods", "-n", namespace, ...selector, "--grace-period=1", "--wait=false"]);
  }

  function plugin(...args: readonly string[]) {
    const env = { PREFECT__CLOUD__API: world.api, PREFECT__BACKEND: "server" };
    return runPlugin([...args, "-n", namespace], env);
  }

  const workers = (id: string): readonly string[] => workersOf(id).map(({ metadata }) => metadata.name);

  it("name their clusters by their flow run, as the agent lets Dask do it", () => {
    for (const id of Object.values(runs)) {
      const names = new Set(workersOf(id).map(({ metadata }) => metadata.labels?.[CLUSTER]));
      expect(workers(id)).toHaveLength(1);
      expect([...names]).toEqual([expect.stringMatching(new RegExp(`^dask-${id}-[0-9a-f]{8}-[0-9a-f]$`))]);
    }
  });

  it("jobs shows each run with its cluster, and how its worker stands", async () => {
    const { stdout, code } = await plugin("jobs", "-o", "wide");
    expect(code).toBe(0);
    const lines = stdout.split("\n").map((line) => line.trimEnd());
    for (const [name, id] of Object.entries(runs)) {
      const [cluster = ""] = workersOf(id).map(({ metadata }) => metadata.labels?.[CLUSTER]);
      const shown = lines.filter((line) => line.includes(id));
      expect(shown).toHaveLength(2);
      expect(shown[0]).toMatch(new RegExp(`${name}.* Running .*prefect-job-.* 1/1 Running .* active`));
      // The run's id stands in its name, and in the table already.
      const short = `dask/dask-${id.slice(0, 8)}…${cluster.slice(`dask-${id}`.length)}`;
      expect(shown[1]).toMatch(new RegExp(`${short} +1/1 Running .* active`));
    }
  });

  it("inspect shows the worker below its run, and that nobody would touch it", async () => {
    const [worker = ""] = workers(runs.lost);
    const { stdout, code } = await plugin("inspect", "lost");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`dask/dask-${runs.lost}-\\S+`));
    expect(stdout).toMatch(new RegExp(`pod/${worker} .*Running`));
    expect(stdout).toContain("\nAN AGENT WOULD\n  nothing: all is in order\n");
    expect(stdout).toContain(`\n  leave pod/${worker}: at work, its flow run is Running\n`);
    const inspected = await plugin("inspect", "lost", "-o", "json");
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      flowRun: { id: runs.lost, name: "lost", state: { type: "Running" } },
      dask: [{ cluster: { kind: "classic" }, status: "active", pods: [{ name: worker }] }],
    });
  });

  it("cancel lets the flow close its cluster, and leaves nothing of it", async () => {
    const { stderr, code } = await plugin("cancel", "cancelled");
    expect(stderr).toContain(`flow run "cancelled" (${runs.cancelled}) is Cancelling\n`);
    expect([code, stateOf(runs.cancelled)]).toEqual([0, "Cancelled"]);
    expect(hasAnything(runs.cancelled)).toBe(false);
  });

  it(
    "cleanup takes exactly what nobody needs, at each time",
    async () => {
      await agent.stop();
      const over = flowRun("Failed");
      const remote = `dask-${over}-0123abcd-4`;
      const beside = `dask-${runs.ending}-0123abcd-4`;
      const noPods = "dask-root-03d5b8bb-0";
      apply(namespace, [
        flowJob("ended", flowRun("Success"), DONE),
        flowJob("forgotten", over, WORKS),
        job("not-a-flow", { "prefect.io/flow-run": over }, DONE),
        daskPod("remote-scheduler", remote, WORKS),
        daskPod("remote-worker", remote, WORKS),
        ...daskFront(remote),
        daskPod("beside-scheduler", beside, WORKS),
        ...daskFront(beside),
        ...daskFront(noPods),
        daskPod("nobodys-scheduler", "dask-jim-11111111-1", WORKS),
        daskPod("nobodys-done", "dask-jim-22222222-2", DONE),
        pod("foreign-done", { app: "dask", component: "web" }, DONE),
        pod("foreign-labelled", { [CLUSTER]: remote }, WORKS),
        service("foreign", { [CLUSTER]: remote }),
      ]);
      await waitFor(namespace, ["job/ended", "job/not-a-flow"], "condition=complete");
      await waitFor(
        namespace,
        ["pod/nobodys-done", "pod/foreign-done"],
        "jsonpath={.status.phase}=Succeeded",
      );
      const remotePods = ["pod/remote-scheduler", "pod/remote-worker"];
      const others = ["pod/beside-scheduler", "pod/nobodys-scheduler", "pod/foreign-labelled"];
      await waitFor(namespace, [...remotePods, ...others], "condition=Ready");
      await waitFor(namespace, ["job/forgotten"], "jsonpath={.status.ready}=1");
      const [lostJob = "", lateJob = "", endingJob = ""] = [runs.lost, runs.late, runs.ending].map(jobOf);
      const stays = [
        `Job/${endingJob}`,
        "Job/not-a-flow",
        "Pod/beside-scheduler",
        "Pod/foreign-done",
        "Pod/foreign-labelled",
        "Pod/nobodys-scheduler",
        ...workers(runs.ending).map((name) => `Pod/${name}`),
        `PodDisruptionBudget/${beside}`,
        `Service/${beside}`,
        "Service/foreign",
      ];
      const lost = [`Job/${lostJob}`, ...workers(runs.lost).map((name) => `Pod/${name}`)];
      const late = workers(runs.late).map((name) => `Pod/${name}`);

      // Its flow is dead, but Prefect, and so everybody, believes it to be running.
      losePod(runs.lost);
      await waitFor(namespace, [`job/${lostJob}`], "condition=failed");
      const first = await plugin("cleanup", "--yes", OLD);
      const taken = "removed 2 Jobs, 3 pods, 2 Services, 2 PodDisruptionBudgets\n";
      expect(first).toMatchObject({ code: 0, stderr: taken });
      expect(left(namespace)).toEqual([...stays, ...lost, `Job/${lateJob}`, ...late].sort());

      // Somebody calls it failed: its worker still runs, and waits for a scheduler that is no more.
      world.prefect.setState(runs.lost, { type: "Failed" });
      expect(workersOf(runs.lost).map(({ status }) => status?.phase)).toEqual(["Running"]);
      const second = await plugin("cleanup", "--yes", OLD);
      expect(second).toMatchObject({ code: 0, stderr: "removed 1 Job, 1 pod\n" });
      expect(left(namespace)).toEqual([...stays, `Job/${lateJob}`, ...late].sort());

      // The worker of the other one gives up by itself, and stays for ever, whatever Prefect says of its run.
      losePod(runs.late);
      const phase = "jsonpath={.status.phase}=Succeeded";
      await waitFor(
        namespace,
        late.map((name) => name.toLowerCase()),
        phase,
      );
      expect(await plugin("cleanup", "--yes")).toMatchObject({ code: 0, stdout: "" });
      const third = await plugin("cleanup", "--yes", OLD);
      expect(third).toMatchObject({ code: 0, stderr: "removed 1 pod\n" });
      expect(left(namespace)).toEqual([...stays, `Job/${lateJob}`].sort());

      const fourth = await plugin("cleanup", "--yes", OLD);
      expect(fourth).toMatchObject({ code: 0, stdout: "" });
      expect(fourth.stderr).toContain("nothing to clean up");
    },
    PATIENCE_MS,
  );

  it("the agent fails the run that lost its pod while nobody looked", async () => {
    agent = await startAgent(["-a", world.api, "-n", namespace]);
    const told = (): boolean => world.prefect.logsOf(runs.late).some(({ level }) => level === "ERROR");
    await world.prefect.until(told, { what: "what the agent says of it", timeoutMs: PATIENCE_MS });
    await world.prefect.until(() => stateOf(runs.late) !== "Running", { timeoutMs: PATIENCE_MS });
    expect(stateOf(runs.late)).toBe("Failed");
  });

  it("a flow that ends well closes its cluster itself", async () => {
    gate.open(runs.ending);
    const ended = (): boolean => stateOf(runs.ending) === "Success";
    await world.prefect.until(ended, { what: "Success", timeoutMs: PATIENCE_MS });
    await waitFor(namespace, ["job", "-l", `prefect.io/flow_run_id=${runs.ending}`], "delete");
    const lasting = workers(runs.ending).map((name) => `pod/${name}`);
    if (lasting.length > 0) await waitFor(namespace, lasting, "delete");
    expect(workers(runs.ending)).toEqual([]);
  });

  function flowRun(type: string): string {
    const { id } = world.prefect.createFlowRun({ flow: world.prefect.createFlow({ name: "etl" }) });
    world.prefect.setState(id, { type });
    return id;
  }

  function jobOf(id: string): string {
    const own = listed("jobs", namespace).find(
      ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
    );
    return own?.metadata.name ?? "";
  }
});

/** The rights that `install --rbac` gives to the ServiceAccount of flows. */
function allowDask(namespace: string): void {
  const rules = FLOW_ACCESS.map(({ group, resource, subresource, verbs }) => ({
    apiGroups: [group],
    resources: [subresource === undefined ? resource : `${resource}/${subresource}`],
    verbs,
  }));
  const metadata = { name: "flows" };
  apply(namespace, [
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "flows" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace }],
    },
  ]);
}
