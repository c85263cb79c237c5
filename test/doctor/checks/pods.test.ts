import { known } from "../../dask/samples.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { describe, expect, it } from "vitest";
import { podFindings } from "../../../src/doctor/checks/pods.ts";
import type { Inventory, InventoryRun } from "../../../src/inventory/inventory.ts";
import type { ContainerStatus, KubeEvent } from "../../../src/kube/client/objects.ts";
import { job, pod, T0 } from "../../job/observed-jobs.ts";
import { lines } from "../subjects.ts";

/** Five minutes after the Jobs and pods were made. */
const NOW = new Date(T0.getTime() + 300_000);

function waiting(reason: string, message = ""): ContainerStatus {
  return { name: "flow", state: { waiting: { reason, message } } };
}

function print(
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
  it("are in order where there is no problem", () => {
    const running: ContainerStatus = { name: "flow", state: { running: {} } };
    expect(lines(podFindings(inventory([print("a", { status: running })]), NOW))).toEqual([
      "ok pods: 1 Job, none that cannot start",
    ]);
    expect(lines(podFindings(inventory([]), NOW))).toEqual(["ok pods: no Jobs of flow runs here"]);
  });

  it("in the same problem are one finding, with all names for programs", () => {
    const runs = [
      print("a", { status: PULL }),
      print("b", { status: waiting("ErrImagePull", "not found") }),
      print("c", { status: waiting("CreateContainerConfigError", 'secret "db" not found') }),
    ];
    const findings = podFindings(inventory(runs), NOW);
    expect(findings.map(({ status, data }) => [status, data?.["reason"]])).toEqual([
      ["broken", "ImagePull"],
      ["broken", "Config"],
    ]);
    expect(findings[0]?.message).toMatch(
      /^2 Jobs, for up to 5m: image "[^"]*" of container 'flow' cannot be pulled$/,
    );
    expect(findings[0]?.hint).toContain("image_pull_secrets");
    expect(findings[1]?.message).toContain("Job \"c\", for 5m: container 'flow' cannot be configured");
  });

  it("are given time to start", () => {
    const soon = new Date(T0.getTime() + 10_000);
    expect(podFindings(inventory([print("a", { status: PULL })]), soon)[0]?.status).toBe("ok");
    const invalid = print("a", { status: waiting("InvalidImageName") });
    expect(podFindings(inventory([invalid]), soon)[0]?.status).toBe("broken");
  });

  it("that wait for a pod to be made are a warning", () => {
    const [finding] = podFindings(inventory([print("a", {})]), NOW);
    expect(finding).toMatchObject({ status: "warning", message: 'Job "a", for 5m: it has no pod yet' });
  });

  it("of runs that are over are leftovers, no problem", () => {
    const over = print("a", { status: PULL, run: known("Failed") });
    const deleted = print("b", { status: PULL, run: { kind: "missing" } });
    expect(podFindings(inventory([over, deleted]), NOW)[0]?.status).toBe("ok");
  });

  it.each([
    { unseen: ["jobs", "pods"] as const, want: "skipped pods: not allowed to list jobs, pods" },
    { unseen: ["pods"] as const, want: "skipped pods: not allowed to list pods" },
  ])("are not judged where $unseen cannot be listed", ({ unseen, want }) => {
    expect(lines(podFindings(inventory([print("a", {})], { forbidden: unseen }), NOW))).toEqual([want]);
  });
});
