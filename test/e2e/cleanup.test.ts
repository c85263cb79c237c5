// cleanup and cancel on a real cluster: leftovers of Prefect and Dask, and unrelated objects; busybox is the image of all pods.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CLEANUP_PERMISSIONS } from "../../src/kube/permissions.ts";
import { Terminal, noTerminalReason } from "../support/terminal.ts";
import { runPlugin } from "./support/agent-process.ts";
import {
  apply,
  daskFront,
  daskPod,
  DONE,
  flowJob,
  gated,
  remaining,
  pod,
  service,
  ungate,
  waitFor,
  WORKS,
} from "./support/leftovers.ts";
import { kubectl, mustKubectl, serverMinor } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { role } from "./support/role.ts";
import { TestSetup } from "./support/test-setup.ts";

const OLD = "--older-than=0s";
/** Pods can have scheduling gates since this minor version. */
const GATES_SINCE = 27;

/** A user with the permissions of cleanup in the first namespace only. */
const CLEANUP_USER = "kubectl-prefect-e2e-cleanup";

let setup: TestSetup;
let other: string;

beforeAll(async () => {
  setup = await TestSetup.open("cleanup");
  other = await createNamespace("cleanup-other");
});

afterAll(async () => {
  await setup?.close();
  if (other !== undefined) removeNamespace(other);
});

function flowRun(type: string, name: string): string {
  const { id } = setup.prefect.createFlowRun({ flow: setup.prefect.createFlow({ name: "etl" }), name });
  setup.prefect.setState(id, { type });
  return id;
}

describe("on a real cluster", () => {
  it("cleanup deletes exactly the leftovers, and a second cleanup finds nothing", async () => {
    const cancelled = flowRun("Cancelled", "cancelled");
    const running = flowRun("Running", "running");
    const orphaned = `dask-${cancelled}-0123abcd-4`;
    const working = `dask-${running}-0123abcd-4`;
    apply(setup.namespace, [
      flowJob("ended", flowRun("Success", "ended"), DONE),
      flowJob("cancelled", cancelled, WORKS),
      flowJob("running", running, WORKS),
      daskPod("done-worker", "dask-root-03d5b8bb-0", DONE),
      ...daskFront("dask-root-03d5b8bb-0"),
      daskPod("orphan-worker", orphaned, WORKS),
      daskPod("orphan-scheduler", orphaned, WORKS),
      ...daskFront(orphaned),
      daskPod("working-worker", working, WORKS),
      ...daskFront(working),
      daskPod("nobodys-worker", "dask-jim-11111111-1", WORKS),
      pod("foreign-done", { app: "dask" }, DONE),
      pod("foreign-labelled", { "dask.org/cluster-name": "theirs" }, DONE),
      pod("foreign-web", { app: "web" }, WORKS),
      service("foreign", { "dask.org/cluster-name": orphaned }),
    ]);
    const ended = ["pod/done-worker", "pod/foreign-done", "pod/foreign-labelled"];
    await waitFor(setup.namespace, ended, "jsonpath={.status.phase}=Succeeded");
    await waitFor(setup.namespace, ["job/ended"], "condition=complete");
    const orphans = ["pod/orphan-worker", "pod/orphan-scheduler"];
    await waitFor(
      setup.namespace,
      [...orphans, "pod/working-worker", "pod/nobodys-worker"],
      "condition=Ready",
    );

    const first = await setup.plugin("cleanup", "--yes", OLD);
    expect(first.stderr).toBe("removed 2 Jobs, 3 pods, 2 Services, 2 PodDisruptionBudgets\n");
    expect(first.code).toBe(0);
    await waitFor(setup.namespace, ["job/cancelled", ...orphans], "delete");
    expect(remaining(setup.namespace)).toEqual(
      [
        "Job/running",
        "Pod/foreign-done",
        "Pod/foreign-labelled",
        "Pod/foreign-web",
        "Pod/nobodys-worker",
        "Pod/working-worker",
        `PodDisruptionBudget/${working}`,
        `Service/${working}`,
        "Service/foreign",
      ].sort(),
    );
    const second = await setup.plugin("cleanup", "--yes", OLD);
    expect([second.code, second.stdout]).toEqual([0, ""]);
    expect(second.stderr).toContain("nothing to clean up");
  });

  it("cancel deletes all objects of a run and sets it to Cancelled", async () => {
    const id = flowRun("Running", "quick-fox");
    const cluster = `dask-${id}-0123abcd-4`;
    apply(setup.namespace, [
      flowJob("fox", id, WORKS),
      daskPod("fox-worker", cluster, WORKS),
      daskPod("fox-scheduler", cluster, WORKS),
      ...daskFront(cluster),
    ]);
    await waitFor(setup.namespace, ["job/fox"], "jsonpath={.status.active}=1");
    // The kubelet of 1.20 can take a minute to stop a pod that is deleted while it starts.
    await waitFor(setup.namespace, ["pods", "--selector=job-name=fox"], "condition=Ready");
    await waitFor(setup.namespace, ["pod/fox-worker", "pod/fox-scheduler"], "condition=Ready");
    const { stderr, code } = await setup.plugin("cancel", "quick-fox", "--grace=2s");
    expect(stderr).toContain("removed 1 Job, 2 pods, 1 Service, 1 PodDisruptionBudget\n");
    expect([code, setup.prefect.stateOf(id)]).toEqual([0, "Cancelled"]);
    expect(remaining(setup.namespace).filter((name) => name.includes("fox") || name.includes(id))).toEqual(
      [],
    );
  });

  it.skipIf(noTerminalReason() !== undefined || serverMinor() < GATES_SINCE)(
    "cleanup keeps a pod that starts while the question is shown",
    async () => {
      const cluster = `dask-${flowRun("Failed", "late")}-0123abcd-4`;
      apply(setup.namespace, [
        gated(daskPod("starting", cluster, WORKS)),
        gated(daskPod("waiting", cluster, WORKS)),
      ]);
      const command = ["kubectl", "prefect", "cleanup", OLD, "--run", "late", ...setup.namespaceFlags];
      const { KUBECONFIG = "", HOME = "" } = process.env;
      const env = { KUBECONFIG, HOME, TERM: "xterm", ...setup.env };
      const terminal = new Terminal(command, { columns: 140, rows: 40 }, env);
      await terminal.shows(/Remove 2 pods\? \[y\/N\]/);
      ungate(setup.namespace, "starting");
      await waitFor(setup.namespace, ["pod/starting"], "condition=Ready");
      terminal.types("y\n");
      expect(await terminal.ended).toBe(0);
      expect(terminal.screen.seen().slice(-2)).toEqual([
        expect.stringMatching(/^skipped: pod\/starting in .*: .+$/),
        "removed 1 pod; 1 skipped",
      ]);
      await waitFor(setup.namespace, ["pod/waiting"], "delete");
      expect(remaining(setup.namespace)).toContain("Pod/starting");
      expect(remaining(setup.namespace)).not.toContain("Pod/waiting");
    },
  );

  it("reports namespaces without permission, and cleans up the others", async () => {
    const id = flowRun("Success", "in-two-places");
    const user = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: CLEANUP_USER };
    apply(setup.namespace, [flowJob("here", id, DONE), ...role(CLEANUP_USER, CLEANUP_PERMISSIONS, user)]);
    apply(other, [flowJob("there", id, DONE)]);
    await waitFor(setup.namespace, ["job/here"], "condition=complete");
    await waitFor(other, ["job/there"], "condition=complete");
    await untilAllowed(CLEANUP_USER, setup.namespace);
    const args = ["cleanup", "--yes", OLD, "--run", id, "-n", `${setup.namespace},${other}`];

    const some = await runPlugin([...args, "--as", CLEANUP_USER], setup.env);
    expect([some.code, remaining(other)]).toEqual([1, ["Job/there"]]);
    // Jobs and pods are listed in parallel; the first error is printed.
    expect(some.stderr).toMatch(
      new RegExp(`^warning: cannot list (jobs|pods) in namespace "${other}": `, "m"),
    );
    expect(some.stderr).toContain("removed 1 Job\n");
    const none = await runPlugin(["cleanup", "--yes", "-A", "--as", CLEANUP_USER], setup.env);
    expect(none.code).toBe(4);
    expect(none.stderr).toContain("name the namespaces to clean up: -n ONE,TWO");

    const all = await runPlugin(args, setup.env);
    expect([all.code, all.stderr, remaining(other)]).toEqual([0, "removed 1 Job\n", []]);
  });

  it("verifies the server's certificate against an IP address, as kubectl does", async () => {
    const path = "jsonpath={.clusters[0].cluster.server}";
    const { hostname } = new URL(mustKubectl(["config", "view", "--minify", "-o", path]));
    const cleanupWith = (name: string) =>
      setup.plugin("cleanup", "--dry-run", OLD, "--tls-server-name", name);
    expect(await cleanupWith(hostname)).toMatchObject({ code: 0 });
    const { code, stderr } = await cleanupWith("192.0.2.1");
    expect([code, stderr]).toEqual([4, expect.stringContaining("192.0.2.1")]);
  });
});

/** A new Role takes effect shortly after its creation. */
async function untilAllowed(user: string, namespace: string): Promise<void> {
  const isAllowed = (): boolean =>
    kubectl(["auth", "can-i", "delete", "jobs.batch", "-n", namespace, "--as", user]).code === 0;
  await vi.waitUntil(isAllowed, { timeout: 30_000, interval: 500 });
}
