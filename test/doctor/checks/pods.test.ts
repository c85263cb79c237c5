import { known } from "../../dask/samples.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { describe, expect, it } from "vitest";
import { podFindings } from "../../../src/doctor/checks/pods.ts";
import type { Inventory, InventoryRun } from "../../../src/inventory/inventory.ts";
import type { ContainerStatus, KubeEvent } from "../../../src/kube/client/objects.ts";
import { job, pod, T0 } from "../../job/observed-jobs.ts";
import { lines } from "../samples.ts";

/** Five minutes after the Jobs and pods were made. */
const NOW = new Date(T0.getTime() + 300_000);

function waiting(reason: string, message = ""): ContainerStatus {
  return { name: "flow", state: { waiting: { reason, message } } };
}

function runWithJob(
  name: string,
  change: { status?: ContainerStatus; run?: RunStatus; events?: KubeEvent[] },
): InventoryRun {
  const { status, run = { kind: "unknown" }, events = [] } = change;
  const metadata = { name: `${name}-pod`, uid: `${name}-pod` };
  const pods =
    status === undefined
      ? []
      : [pod({ metadata, status: { phase: "Pending", containerStatuses: [status] } })];
  const jobs = [{ job: job({ name, uid: name }), pods, deletedPods: [], events, gone: false }];
  return {
    flowRunId: name,
    prefectVersion: 1,
    namespace: "flows",
    name: undefined,
    status: run,
    observed: { flowRunId: name, jobs },
    dask: [],
  };
}

function inventory(runs: readonly InventoryRun[], change: Partial<Inventory> = {}): Inventory {
  return { runs, unownedDask: [], warnings: [], ...change };
}

const PULL = waiting("ImagePullBackOff", 'Back-off pulling image "flows:1"');

describe("pods of flow runs", () => {
  it("are ok without a problem", () => {
    const running: ContainerStatus = { name: "flow", state: { running: {} } };
    expect(lines(podFindings(inventory([runWithJob("a", { status: running })]), NOW))).toEqual([
      "ok pods: 1 Job, none stuck",
    ]);
    expect(lines(podFindings(inventory([]), NOW))).toEqual(["ok pods: no Jobs of flow runs here"]);
  });

  it("with the same problem are one finding, which names all Jobs in its data", () => {
    const runs = [
      runWithJob("a", { status: PULL }),
      runWithJob("b", { status: waiting("ErrImagePull", "not found") }),
      runWithJob("c", { status: waiting("CreateContainerConfigError", 'secret "db" not found') }),
    ];
    const findings = podFindings(inventory(runs), NOW);
    expect(findings.map(({ status, data }) => [status, data?.["reason"]])).toEqual([
      ["broken", "ImagePull"],
      ["broken", "Config"],
    ]);
    expect(findings[0]?.message).toMatch(
      /^2 Jobs have waited up to 5m: image "[^"]*" of container 'flow' cannot be pulled$/,
    );
    expect(findings[0]?.hint).toContain("image_pull_secrets");
    expect(findings[1]?.message).toContain("Job \"c\" has waited 5m: container 'flow' cannot be configured");
  });

  it("have a grace period to start", () => {
    const soon = new Date(T0.getTime() + 10_000);
    expect(podFindings(inventory([runWithJob("a", { status: PULL })]), soon)[0]?.status).toBe("ok");
    const invalid = runWithJob("a", { status: waiting("InvalidImageName") });
    expect(podFindings(inventory([invalid]), soon)[0]?.status).toBe("broken");
  });

  it("are missing for too long: a warning", () => {
    const [finding] = podFindings(inventory([runWithJob("a", {})]), NOW);
    expect(finding).toMatchObject({ status: "warning", message: 'Job "a" has waited 5m: it has no pod yet' });
  });

  it("of finished or deleted runs are no problem", () => {
    const over = runWithJob("a", { status: PULL, run: known("Failed") });
    const deleted = runWithJob("b", { status: PULL, run: { kind: "missing" } });
    expect(podFindings(inventory([over, deleted]), NOW)[0]?.status).toBe("ok");
  });

  it.each([
    { forbidden: ["jobs", "pods"] as const, want: "skipped pods: no permission to list jobs, pods" },
    { forbidden: ["pods"] as const, want: "skipped pods: no permission to list pods" },
  ])("are not checked without permission to list $forbidden", ({ forbidden, want }) => {
    expect(lines(podFindings(inventory([runWithJob("a", {})], { forbidden }), NOW))).toEqual([want]);
  });
});
