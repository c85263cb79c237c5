import { describe, expect, it } from "vitest";
import { stuckFindings } from "../../../src/doctor/checks/stuck-pods.ts";
import type { InventoryRun } from "../../../src/inventory/inventory.ts";
import { jobRows } from "../../../src/inventory/job-row.ts";
import type { ContainerStatus } from "../../../src/kube/client/objects.ts";
import type { RunStatus } from "../../../src/orchestrator/flow-run.ts";
import { known } from "../../dask/samples.ts";
import { at, job, pod } from "../../job/observed-jobs.ts";
import { lines, NOW } from "../samples.ts";

const PULL = waiting("ImagePullBackOff", 'Back-off pulling image "flows:1"');

function waiting(reason: string, message = ""): ContainerStatus {
  return { name: "flow", state: { waiting: { reason, message } } };
}

/** A run with a Job whose pod has one container; without a pod if there is no status. */
function runWithJob(
  name: string,
  status?: ContainerStatus,
  state: RunStatus = { kind: "unknown" },
): InventoryRun {
  const metadata = { name: `${name}-pod`, uid: `${name}-pod` };
  const phase = status?.state?.running === undefined ? "Pending" : "Running";
  const pods =
    status === undefined ? [] : [pod({ metadata, status: { phase, containerStatuses: [status] } })];
  const jobs = [{ job: job({ name, uid: name }), pods, deletedPods: [], events: [], gone: false }];
  const observed = { flowRunId: name, jobs };
  return {
    flowRunId: name,
    prefectVersion: 1,
    namespace: "flows",
    name: undefined,
    status: state,
    observed,
    dask: [],
  };
}

const found = (runs: readonly InventoryRun[], now = NOW) => stuckFindings(jobRows(runs, now), now);

describe("Jobs of flow runs", () => {
  it("are ok when their pods run, or have had less than a minute to start", () => {
    expect(lines(found([runWithJob("a", { name: "flow", state: { running: {} } })]))).toEqual([
      "ok pods: 1 Job of flow runs, none stuck",
    ]);
    expect(found([runWithJob("a", PULL)], at(30))[0]?.status).toBe("ok");
  });

  it("with the same problem are one broken finding, with a command that shows more", () => {
    const runs = [
      runWithJob("a", PULL),
      runWithJob("b", waiting("ErrImagePull", "not found")),
      runWithJob("c", waiting("CreateContainerConfigError", 'secret "db" not found')),
    ];
    expect(lines(found(runs))).toEqual([
      `broken pods: 2 Jobs waiting for 5m: image "flows:1" of container 'flow' cannot be pulled`,
      expect.stringMatching(/^broken pods: 1 Job waiting for 5m: container 'flow' cannot be configured/),
    ]);
    expect(found(runs)[0]).toMatchObject({ details: ["a, b"], look: "kubectl prefect inspect a -n flows" });
  });

  it("that only wait are a warning", () => {
    expect(lines(found([runWithJob("a")]))).toEqual([
      "warning pods: 1 Job waiting for 5m: it has no pod yet",
    ]);
  });

  it("of finished or deleted runs are left to cleanup", () => {
    const runs = [runWithJob("a", PULL, known("Failed")), runWithJob("b", PULL, { kind: "missing" })];
    expect(found(runs)[0]?.status).toBe("ok");
  });
});
