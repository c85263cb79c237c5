// jobs, inspect, logs, cleanup and cancel with the real server of Prefect 3, and Jobs with the labels of its worker, for runs in
// every state.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Prefect3StateType } from "../../src/prefect3/client.ts";
import { runPlugin } from "./support/agent-process.ts";
import type { ProcessResult } from "./support/agent-process.ts";
import { rowsIn } from "./support/job-rows.ts";
import { listed } from "./support/kubectl.ts";
import { apply, job } from "./support/leftovers.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { Prefect3, noPrefect3Reason } from "./support/prefect3.ts";

const absent = noPrefect3Reason();
if (absent !== undefined) process.stderr.write(`skipped, real Prefect 3 server: ${absent}\n`);

interface RunSpec {
  /** The flow run's name. */
  readonly name: string;
  readonly type: Prefect3StateType;
  readonly script: string;
  readonly image?: string;
}

const RUNS_ON = "echo begun; sleep 3600";

const RUNS: readonly RunSpec[] = [
  { name: "amber-fox", type: "RUNNING", script: RUNS_ON },
  { name: "busy-bee", type: "RUNNING", script: RUNS_ON },
  { name: "calm-crow", type: "COMPLETED", script: "echo all done" },
  { name: "dull-dog", type: "FAILED", script: "echo it broke; exit 1" },
  { name: "early-emu", type: "CRASHED", script: RUNS_ON },
  { name: "fine-frog", type: "CANCELLED", script: RUNS_ON },
  { name: "good-goat", type: "PENDING", script: "true", image: "registry.invalid/flows:1" },
  { name: "happy-hen", type: "RUNNING", script: RUNS_ON },
];
/** The run that is deleted in Prefect while its Job runs. */
const DELETED = "happy-hen";
/** A run that no worker has submitted yet. */
const WAITING = "idle-ibis";

describe.skipIf(absent !== undefined)("Prefect 3", () => {
  let server: Prefect3;
  let namespace: string;
  const ids = new Map<string, string>();
  const idOf = (name: string): string => ids.get(name) ?? "";
  const jobOf = (name: string): string => `${name}-x1y2z`;

  function plugin(...args: readonly string[]): Promise<ProcessResult> {
    return runPlugin([...args, "-n", namespace], { PREFECT_API_URL: server.api });
  }

  /** Creates a Job like the worker's job template. */
  function createJob({ name, script, image }: RunSpec): void {
    const labels = {
      "prefect.io/flow-run-id": idOf(name),
      "prefect.io/flow-run-name": name,
      "prefect.io/flow-id": idOf("etl"),
      "prefect.io/flow-name": "etl",
      "prefect.io/version": "3.8.8",
      "prefect.io/deployment-name": "nightly",
      "prefect.io/deployment-updated": "2026-02-13T16-30-44.632196Z",
      "prefect.io/work-pool-name": "k8s",
      "prefect.io/worker-name": "KubernetesWorker-1a2b",
      "app.kubernetes.io/managed-by": "prefect",
      "app.kubernetes.io/part-of": "prefect",
      "app.kubernetes.io/name": "nightly",
    };
    const env = [
      { name: "PREFECT__FLOW_RUN_ID", value: idOf(name) },
      { name: "PREFECT_API_URL", value: server.api },
    ];
    const container = { name: "prefect-job", env, ...(image && { image }) };
    apply(namespace, [job(jobOf(name), labels, { script, container })]);
  }

  async function statuses(): Promise<Record<string, readonly string[]>> {
    const { stdout } = await plugin("jobs", "-o", "json");
    return Object.fromEntries(
      rowsIn(stdout).map(({ flowRun, status: row, pods }) => [
        flowRun?.name ?? "<none>",
        [flowRun?.state?.name ?? "<none>", row, (pods ?? []).map(({ status }) => status).join(",")],
      ]),
    );
  }

  beforeAll(async () => {
    server = await Prefect3.start();
    namespace = await createNamespace("prefect3");
    ids.set("etl", await server.createFlow("etl"));
    for (const { name, type } of RUNS) ids.set(name, await server.createFlowRun(idOf("etl"), name, type));
    ids.set(WAITING, await server.createFlowRun(idOf("etl"), WAITING, "SCHEDULED"));
    RUNS.forEach(createJob);
    await server.deleteFlowRun(idOf(DELETED));
    const isSettled = async (): Promise<boolean> => {
      const pods = Object.values(await statuses()).map((row) => row.at(-1) ?? "");
      const count = (status: RegExp): number => pods.filter((pod) => status.test(pod)).length;
      return (
        count(/Running/) === 5 && count(/Completed|Error/) === 2 && count(/ErrImagePull|ImagePullBack/) === 1
      );
    };
    await vi.waitUntil(isSettled, { timeout: 90_000, interval: 1_000 });
  });

  afterAll(() => {
    server?.stop();
    if (namespace !== undefined) removeNamespace(namespace);
  });

  it("lists every run with its state and status", async () => {
    const shown = Object.entries(await statuses()).map(
      ([run, [state, status]]) => `${run} ${state} ${status}`,
    );
    expect(shown.sort()).toEqual([
      "amber-fox Running active",
      "busy-bee Running active",
      "calm-crow Completed finished",
      "dull-dog Failed failed",
      "early-emu Crashed failed",
      "fine-frog Cancelled cancelled",
      "good-goat Pending pending",
      "happy-hen <deleted> orphaned",
    ]);
  });

  it("is found by its active profile if no variable is set", async () => {
    const home = mkdtempSync(join(tmpdir(), "prefect-home-"));
    try {
      const profiles = `active = "here"\n[profiles.here]\nPREFECT_API_URL = "${server.api}"\n`;
      writeFileSync(join(home, "profiles.toml"), profiles);
      const { stdout, stderr } = await runPlugin(["jobs", "-n", namespace], { PREFECT_HOME: home });
      expect(stdout).toMatch(/^early-emu .* Crashed /m);
      expect(stderr).toBe("");
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it("inspects a run by name, id, id prefix or Job", async () => {
    const id = idOf("early-emu");
    // Ids begin with their creation time: the first 8 digits are the same for a minute.
    for (const run of ["early-emu", id, id.slice(0, 18), `job/${jobOf("early-emu")}`]) {
      const { stdout, code } = await plugin("inspect", run);
      expect(stdout).toContain(`flow run early-emu ${id} (Prefect 2 or 3)`);
      expect(stdout).toContain("STATUS failed: Crashed: the pod was evicted");
      expect(stdout).toContain(`leave job.batch/${jobOf("early-emu")}: its flow run is Crashed (for only`);
      expect(code).toBe(0);
    }
  });

  it("inspects a run without a Job by name, id or id prefix", async () => {
    const id = idOf(WAITING);
    for (const run of [WAITING, id, id.slice(0, 18)]) {
      const { stdout, code } = await plugin("inspect", run);
      expect(stdout).toMatch(new RegExp(`^flow run ${WAITING} ${id} \\(Prefect 2 or 3\\)`, "m"));
      expect(stdout).toContain(`no objects in namespace "${namespace}"`);
      expect(code).toBe(0);
    }
  });

  it("reports that Prefect does not know an unknown run", async () => {
    const { stderr, code } = await plugin("inspect", "deadbeef-dead");
    expect(stderr).toContain('cannot find flow run "deadbeef-dead"');
    expect(stderr).toContain("Prefect has no such run");
    expect(code).toBe(1);
  });

  it("prints the logs of a run's pod", async () => {
    expect(await plugin("logs", "dull-dog")).toEqual({ stdout: "it broke\n", stderr: "", code: 0 });
    expect((await plugin("logs", idOf("amber-fox"))).stdout).toBe("begun\n");
  });

  it("lists the Jobs that cleanup would delete", async () => {
    const { stdout, code } = await plugin("cleanup", "--dry-run=client", "--older-than", "0s", "-o", "name");
    const gone = ["calm-crow", "dull-dog", "early-emu", "fine-frog", DELETED];
    expect(stdout.trim().split("\n").sort()).toEqual(gone.map((name) => `job.batch/${jobOf(name)}`).sort());
    expect(code).toBe(0);
    expect(listed("jobs", namespace)).toHaveLength(RUNS.length);
  });

  it("cancels a run and deletes its Job", async () => {
    const { stderr, code } = await plugin("cancel", "amber-fox", "--grace", "1s");
    expect(stderr).toContain("is Cancelling");
    expect(code).toBe(0);
    expect(await server.stateOf(idOf("amber-fox"))).toBe("Cancelled");
    const left = listed("jobs", namespace).map(({ metadata }) => metadata.name);
    expect(left).not.toContain(jobOf("amber-fox"));
    expect(left).toContain(jobOf("busy-bee"));
  });

  it("cancels a run whose pod cannot start and a run without a Job", async () => {
    const { code } = await plugin("cancel", "good-goat", WAITING, "--now");
    expect(code).toBe(0);
    expect(await server.stateOf(idOf("good-goat"))).toBe("Cancelled");
    expect(await server.stateOf(idOf(WAITING))).toBe("Cancelled");
  });

  it("cleans up finished runs and keeps the active one", async () => {
    const { code } = await plugin("cleanup", "--yes", "--older-than", "0s");
    expect(code).toBe(0);
    const isClean = (): void => {
      const left = listed("jobs", namespace).map(({ metadata }) => metadata.name);
      expect(left).toEqual([jobOf("busy-bee")]);
    };
    await vi.waitFor(isClean, { timeout: 30_000, interval: 500 });
    expect(await server.stateOf(idOf("busy-bee"))).toBe("Running");
  });
});
