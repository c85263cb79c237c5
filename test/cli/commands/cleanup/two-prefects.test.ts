// cleanup and cancel where another Prefect, or another tenant of the same one, uses the namespace as well: nothing that works
// there goes.

import { describe, expect, it, onTestFinished } from "vitest";
import { ownerText } from "../../../../src/job/owner.ts";
import type { Control } from "../../../fakes/prefect1/control.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import { startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

const OLD = ["--older-than", "0"];
const DELETED = "00000000-0000-4000-8000-00000000dead";
const LIVING = { active: 1, ready: 1 };

interface Neighbours {
  readonly cluster: TestCluster;
  readonly other: Pick<Control, "createFlow" | "createFlowRun" | "setState" | "flowRun" | "deleteFlowRun">;
  readonly otherTenantId: string;
  /** `kubectl prefect ARGV…` against the first Prefect and tenant. */
  readonly run: (...argv: readonly string[]) => ReturnType<TestCluster["run"]>;
}

async function twoWorkspaces(): Promise<Neighbours> {
  const cluster = await startTestCluster();
  const other = await startFakePrefect1();
  onTestFinished(() => other.stop());
  return { cluster, other, otherTenantId: other.tenantId, run: (...argv) => cluster.run(argv) };
}

async function twoTenants(): Promise<Neighbours> {
  const cluster = await startTestCluster();
  const other = cluster.prefect.addTenant("other");
  const env = { PREFECT__CLOUD__TENANT_ID: cluster.prefect.tenantId };
  return { cluster, other, otherTenantId: other.tenantId, run: (...argv) => cluster.run(argv, { env }) };
}

/** A run of the other Prefect. */
function otherRun({ other }: Neighbours, type: string): string {
  const { id } = other.createFlowRun({ flow: other.createFlow({ name: "theirs" }), name: `${type}-run` });
  other.setState(id, { type });
  return id;
}

/** The annotation of an agent with default settings. */
function madeBy(tenantId: string): { readonly annotations: Readonly<Record<string, string>> } {
  const owner = { name: "agent", labels: [], tenantId, process: "p" };
  return { annotations: { "prefect.io/agent": ownerText(owner) } };
}

describe.each([
  { which: "another workspace", start: twoWorkspaces },
  { which: "another tenant of the server", start: twoTenants },
])("beside $which", ({ start }) => {
  /** Living Jobs of the other one, as both agents make them, of runs in all states. */
  async function busy(): Promise<Neighbours & { readonly jobs: readonly string[] }> {
    const neighbours = await start();
    const { cluster, otherTenantId } = neighbours;
    const status = { status: LIVING };
    for (const type of ["Running", "Cancelled", "Success"]) {
      const id = otherRun(neighbours, type);
      const name = type.toLowerCase();
      cluster.job(`ours-${name}`, id, { ...status, metadata: madeBy(otherTenantId) });
      cluster.job(`original-${name}`, id, status);
      cluster.jobPod(`pod-${name}`, `ours-${name}`);
      cluster.daskPod(`worker-${name}`, `dask-${id}-0123abcd-4`, { phase: "Running" });
    }
    return { ...neighbours, jobs: cluster.left("jobs") };
  }

  it.each([
    { argv: ["cleanup", "--yes", ...OLD] },
    { argv: ["cleanup", "--yes", "--orphans", ...OLD] },
    { argv: ["cleanup", "--yes", "--agent=agent", ...OLD] },
  ])("$argv deletes its own, and nothing that lives of the other one", async ({ argv }) => {
    const { cluster, jobs, run } = await busy();
    const own = cluster.flowRun("Cancelled", "own");
    cluster.job("own", own, { status: LIVING, metadata: madeBy(cluster.prefect.tenantId) });
    const pods = cluster.left("pods");
    const { stderr, exitCode } = await run(...argv);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("removed 1 Job\n");
    expect(stderr).toContain(
      "warning: 3 flow runs are not in this Prefect, so their states are unknown: check the API address and the tenant",
    );
    expect(cluster.left("jobs")).toEqual(jobs);
    expect(cluster.left("pods")).toEqual(pods);
  });

  it("the sidecar of an agent does not even delete the other one's finished Jobs", async () => {
    const neighbours = await start();
    const { cluster, otherTenantId, run } = neighbours;
    cluster.job("ours", otherRun(neighbours, "Success"), { metadata: madeBy(otherTenantId) });
    cluster.job("original", otherRun(neighbours, "Failed"));
    await run("cleanup", "--yes", "--agent=agent", ...OLD);
    expect(cluster.left("jobs")).toEqual(["original", "ours"]);
  });

  it("a deleted run of a known flow is over; one that the other deleted is unknown", async () => {
    const neighbours = await start();
    const { cluster, other, otherTenantId, run } = neighbours;
    const theirs = otherRun(neighbours, "Running");
    other.deleteFlowRun(theirs);
    const flow = cluster.prefect.createFlow({ name: "etl" });
    const labels = { "prefect.io/flow_run_id": DELETED, "prefect.io/flow_id": flow.id };
    cluster.job("known-flow", DELETED, { status: LIVING, metadata: { labels } });
    const mine = madeBy(cluster.prefect.tenantId);
    cluster.job("known-tenant", DELETED.replace("dead", "beef"), { status: LIVING, metadata: mine });
    cluster.job("theirs", theirs, { status: LIVING, metadata: madeBy(otherTenantId) });
    cluster.job("original", DELETED.replace("dead", "cafe"), { status: LIVING });
    await run("cleanup", "--yes", ...OLD);
    expect(cluster.left("jobs")).toEqual(["original", "theirs"]);
  });

  it("--only-prefect is the person's word that a run that this one does not know was deleted", async () => {
    const { cluster, run } = await busy();
    await run("cleanup", "--yes", "--only-prefect", "--jobs", ...OLD);
    expect(cluster.left("jobs")).toEqual([]);
  });

  it.each([
    { how: "its id", ref: (id: string) => id },
    { how: "its Job", ref: () => "job/ours-running" },
  ])("cancel refuses a run of the other one by $how, and deletes nothing", async ({ ref }) => {
    const neighbours = await busy();
    const { cluster, other, jobs, run } = neighbours;
    const job = cluster.kube.get("jobs", "flows", "ours-running");
    const id = job?.metadata.labels?.["prefect.io/flow_run_id"] ?? "";
    const { stderr, exitCode } = await run("cancel", ref(id), "--now");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`error: cannot cancel flow run "${id}": Prefect has no such flow run`);
    expect(other.flowRun(id)?.state).toBe("Running");
    expect(cluster.left("jobs")).toEqual(jobs);
  });
});

describe("a run that Prefect does not know", () => {
  it("is not proven deleted by an address that means another server elsewhere", async () => {
    const cluster = await startTestCluster();
    const env = [{ name: "PREFECT__CLOUD__API", value: cluster.prefect.url }];
    cluster.job("living", DELETED, { status: LIVING });
    const job = cluster.kube.get("jobs", "flows", "living");
    const template = {
      spec: { containers: [{ name: "flow", image: "flow:1", env }], restartPolicy: "Never" },
    };
    if (job !== undefined) cluster.kube.put("jobs", { ...job, spec: { backoffLimit: 0, template } });
    await cluster.run(["cleanup", "--yes", ...OLD]);
    expect(cluster.left("jobs")).toEqual(["living"]);
  });

  it("keeps its living Job if its state can no longer be read at the last look", async () => {
    const cluster = await startTestCluster();
    cluster.job("living", cluster.flowRun("Cancelled", "own"), { status: LIVING });
    // The first query is for the plan.
    const effect = { kind: "status", status: 500 } as const;
    cluster.prefect.fault({ match: "flow_run", effect, nth: 2, times: Infinity });
    const { stderr } = await cluster.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("cannot read the state of flow run");
    expect(cluster.left("jobs")).toEqual(["living"]);
  });
});
