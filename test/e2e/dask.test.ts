// Flows of the real Prefect 1.4.1 on real Dask clusters (classic KubeCluster): one succeeds, one is cancelled, two lose their pod and
// leave their worker. Leftovers of remote mode, which needs cluster DNS, are simulated with busybox.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FLOW_PERMISSIONS } from "../../src/kube/permissions.ts";
import { daskFlow } from "../support/flows/specs.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { loadFlowImage, noFlowImageReason } from "./support/flow-image.ts";
import { startGate } from "./support/gate.ts";
import type { Gate } from "./support/gate.ts";
import { countsDeletedPods, listed } from "./support/kubectl.ts";
import type { Listed } from "./support/kubectl.ts";
import {
  apply,
  daskFront,
  daskPod,
  DONE,
  flowJob,
  job,
  remaining,
  pod,
  service,
  waitFor,
  WORKS,
} from "./support/leftovers.ts";
import { role } from "./support/role.ts";
import { TestSetup } from "./support/test-setup.ts";

const absent = noFlowImageReason();
if (absent !== undefined) process.stderr.write(`skipped, real Dask: ${absent}\n`);

const CLUSTER = "dask.org/cluster-name";
/** Deletes leftovers of any age; the default is ten minutes. */
const OLD = "--older-than=0s";
/** Twelve Python processes start, perhaps on two busy processors. */
const TIMEOUT_MS = 600_000;

describe.skipIf(absent !== undefined)("flows on Dask clusters of their own", () => {
  let setup: TestSetup;
  let gate: Gate;
  let agent: PluginProcess;
  const runs = { ending: "", cancelled: "", lost: "", late: "" };

  beforeAll(async () => {
    const image = loadFlowImage({ dask: true });
    setup = await TestSetup.open("dask");
    const flows = { kind: "ServiceAccount", name: "default", namespace: setup.namespace };
    apply(setup.namespace, role("flows", FLOW_PERMISSIONS, flows));
    gate = await startGate(new URL(setup.api).hostname);
    agent = await setup.startAgent();
    const runConfig = { type: "KubernetesRun", image, image_pull_policy: "IfNotPresent" };
    const flow = setup.prefect.createFlow(daskFlow());
    const start = (name: keyof typeof runs, workers: number): void => {
      const parameters = { workers, gate: gate.url };
      runs[name] = setup.prefect.createFlowRun({ flow, name, runConfig, parameters }).id;
    };
    start("ending", 1);
    start("cancelled", 1);
    start("lost", 1);
    start("late", 1);
    const isWorking = (id: string): boolean =>
      setup.prefect.taskRuns(id).some(({ map_index, state }) => map_index >= 0 && state === "Running");
    const all = (): boolean => Object.values(runs).every(isWorking);
    await setup.prefect.until(all, { what: "work on four clusters", timeoutMs: TIMEOUT_MS });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await setup?.close();
    await gate?.close();
  });

  /** The workers that Dask started: their names contain the cluster's. */
  function workersOf(id: string): readonly Listed[] {
    return listed("pods", setup.namespace).filter(({ metadata }) => metadata.name.startsWith(`dask-${id}-`));
  }

  /** Whether the run has Jobs or pods, also ones that are being deleted. */
  function hasObjects(id: string): boolean {
    return [...setup.ofRun("jobs", id), ...setup.ofRun("pods", id), ...workersOf(id)].length > 0;
  }

  function deletePod(id: string): void {
    setup.kubectl("delete", "pods", "-l", `prefect.io/flow_run_id=${id}`, "--grace-period=1", "--wait=false");
  }

  const workers = (id: string): readonly string[] => workersOf(id).map(({ metadata }) => metadata.name);

  it("name their clusters after their flow run, as the agent configures Dask", () => {
    for (const id of Object.values(runs)) {
      const names = new Set(workersOf(id).map(({ metadata }) => metadata.labels?.[CLUSTER]));
      expect(workers(id)).toHaveLength(1);
      expect([...names]).toEqual([expect.stringMatching(new RegExp(`^dask-${id}-[0-9a-f]{8}-[0-9a-f]$`))]);
    }
  });

  it("jobs shows each run with its cluster and the status of its worker", async () => {
    const { stdout, code } = await setup.plugin("jobs", "-o", "wide");
    expect(code).toBe(0);
    const lines = stdout.split("\n").map((line) => line.trimEnd());
    for (const [name, id] of Object.entries(runs)) {
      const [cluster = ""] = workersOf(id).map(({ metadata }) => metadata.labels?.[CLUSTER]);
      const shown = lines.filter((line) => line.includes(id));
      expect(shown).toHaveLength(2);
      expect(shown[0]).toMatch(new RegExp(`${name}.* Running .*prefect-job-.* 1/1 Running .* active`));
      expect(shown[1]).toMatch(new RegExp(`dask/${cluster} +1/1 Running .* active`));
    }
  });

  it("inspect shows the worker below its run, and that neither agent nor cleanup would delete it", async () => {
    const [worker = ""] = workers(runs.lost);
    const { stdout, code } = await setup.plugin("inspect", "lost");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`dask/dask-${runs.lost}-\\S+`));
    expect(stdout).toMatch(new RegExp(`pod/${worker} .*Running`));
    expect(stdout).toContain("\nAN AGENT WOULD\n  nothing: the flow run has no problem\n");
    expect(stdout).toContain(`\n  leave pod/${worker}: running, its flow run is Running\n`);
    const inspected = await setup.plugin("inspect", "lost", "-o", "json");
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      flowRun: { id: runs.lost, name: "lost", state: { name: "Running" } },
      dask: [{ cluster: { kind: "classic" }, status: "active", pods: [{ name: worker }] }],
    });
  });

  it("cancel lets the flow close its cluster, and deletes the rest", async () => {
    const { stderr, code } = await setup.plugin("cancel", "cancelled");
    expect(stderr).toContain(`flow run "cancelled" (${runs.cancelled}) is Cancelling\n`);
    expect([code, setup.prefect.stateOf(runs.cancelled)]).toEqual([0, "Cancelled"]);
    expect(hasObjects(runs.cancelled)).toBe(false);
  });

  // Older versions replace a deleted pod.
  it.runIf(countsDeletedPods())(
    "cleanup deletes exactly the leftovers, each time",
    async () => {
      await agent.stop();
      const failedRun = flowRun("Failed");
      const remote = `dask-${failedRun}-0123abcd-4`;
      const extra = `dask-${runs.ending}-0123abcd-4`;
      const noPods = "dask-root-03d5b8bb-0";
      apply(setup.namespace, [
        flowJob("ended", flowRun("Success"), DONE),
        flowJob("forgotten", failedRun, WORKS),
        job("not-a-flow", { "prefect.io/flow-run": failedRun }, DONE),
        daskPod("remote-scheduler", remote, WORKS),
        daskPod("remote-worker", remote, WORKS),
        ...daskFront(remote),
        daskPod("extra-scheduler", extra, WORKS),
        ...daskFront(extra),
        ...daskFront(noPods),
        daskPod("nobodys-scheduler", "dask-jim-11111111-1", WORKS),
        daskPod("nobodys-done", "dask-jim-22222222-2", DONE),
        pod("foreign-done", { app: "dask", component: "web" }, DONE),
        pod("foreign-labelled", { [CLUSTER]: remote }, WORKS),
        service("foreign", { [CLUSTER]: remote }),
      ]);
      await waitFor(setup.namespace, ["job/ended", "job/not-a-flow"], "condition=complete");
      await waitFor(
        setup.namespace,
        ["pod/nobodys-done", "pod/foreign-done"],
        "jsonpath={.status.phase}=Succeeded",
      );
      const remotePods = ["pod/remote-scheduler", "pod/remote-worker"];
      const others = ["pod/extra-scheduler", "pod/nobodys-scheduler", "pod/foreign-labelled"];
      await waitFor(setup.namespace, [...remotePods, ...others], "condition=Ready");
      await waitFor(setup.namespace, ["job/forgotten"], "jsonpath={.status.active}=1");
      const jobs = [runs.lost, runs.late, runs.ending].map((id) => setup.ofRun("jobs", id)[0]?.metadata.name);
      const [lostJob = "", lateJob = "", endingJob = ""] = jobs;
      const kept = [
        `Job/${endingJob}`,
        "Job/not-a-flow",
        "Pod/extra-scheduler",
        "Pod/foreign-done",
        "Pod/foreign-labelled",
        "Pod/nobodys-scheduler",
        ...workers(runs.ending).map((name) => `Pod/${name}`),
        `PodDisruptionBudget/${extra}`,
        `Service/${extra}`,
        "Service/foreign",
      ];
      const lost = [`Job/${lostJob}`, ...workers(runs.lost).map((name) => `Pod/${name}`)];
      const late = workers(runs.late).map((name) => `Pod/${name}`);

      // The flow's process is dead, but the run is still Running in Prefect.
      deletePod(runs.lost);
      await waitFor(setup.namespace, [`job/${lostJob}`], "condition=failed");
      const first = await setup.plugin("cleanup", "--yes", OLD);
      const summary = "removed 2 Jobs, 3 pods, 2 Services, 2 PodDisruptionBudgets\n";
      expect(first).toMatchObject({ code: 0, stderr: summary });
      expect(remaining(setup.namespace)).toEqual([...kept, ...lost, `Job/${lateJob}`, ...late].sort());

      // The run is set to Failed: its worker still runs and waits for a scheduler that does not exist any more.
      setup.prefect.setState(runs.lost, { type: "Failed" });
      expect(workersOf(runs.lost).map(({ status }) => status?.phase)).toEqual(["Running"]);
      const second = await setup.plugin("cleanup", "--yes", OLD);
      expect(second).toMatchObject({ code: 0, stderr: "removed 1 Job, 1 pod\n" });
      expect(remaining(setup.namespace)).toEqual([...kept, `Job/${lateJob}`, ...late].sort());

      // The worker of the other run ends by itself and is never deleted, whatever the run's state.
      deletePod(runs.late);
      const phase = "jsonpath={.status.phase}=Succeeded";
      await waitFor(
        setup.namespace,
        late.map((name) => name.toLowerCase()),
        phase,
      );
      expect(await setup.plugin("cleanup", "--yes")).toMatchObject({ code: 0, stdout: "" });
      const third = await setup.plugin("cleanup", "--yes", OLD);
      expect(third).toMatchObject({ code: 0, stderr: "removed 1 pod\n" });
      expect(remaining(setup.namespace)).toEqual([...kept, `Job/${lateJob}`].sort());

      const fourth = await setup.plugin("cleanup", "--yes", OLD);
      expect(fourth).toMatchObject({ code: 0, stdout: "" });
      expect(fourth.stderr).toContain("nothing to clean up");
    },
    TIMEOUT_MS,
  );

  it.runIf(countsDeletedPods())(
    "an agent sets the run to Failed whose pod was deleted while no agent ran",
    async () => {
      agent = await setup.startAgent();
      const isLogged = (): boolean => setup.prefect.logsOf(runs.late).some(({ level }) => level === "ERROR");
      await setup.prefect.until(isLogged, {
        what: "the agent's error in the run's log",
        timeoutMs: TIMEOUT_MS,
      });
      await setup.prefect.until(() => setup.prefect.stateOf(runs.late) !== "Running", {
        timeoutMs: TIMEOUT_MS,
      });
      expect(setup.prefect.stateOf(runs.late)).toBe("Failed");
    },
  );

  it("a flow that succeeds closes its cluster itself", async () => {
    gate.open(runs.ending);
    const ended = (): boolean => setup.prefect.stateOf(runs.ending) === "Success";
    await setup.prefect.until(ended, { what: "Success", timeoutMs: TIMEOUT_MS });
    await waitFor(setup.namespace, ["job", "-l", `prefect.io/flow_run_id=${runs.ending}`], "delete");
    const lasting = workers(runs.ending).map((name) => `pod/${name}`);
    if (lasting.length > 0) await waitFor(setup.namespace, lasting, "delete");
    expect(workers(runs.ending)).toEqual([]);
  });

  function flowRun(type: string): string {
    const { id } = setup.prefect.createFlowRun({ flow: setup.prefect.createFlow({ name: "etl" }) });
    setup.prefect.setState(id, { type });
    return id;
  }
});
