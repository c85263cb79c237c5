// kubectl prefect cleanup on the fakes: what it prints, deletes and keeps.

import { describe, expect, it } from "vitest";
import { NAMESPACE, startWorld } from "./cluster.ts";
import type { World } from "./cluster.ts";

const OLD = ["--older-than", "0"];
const CLUSTER = "dask-root-03d5b8bb-0";

async function messyWorld(): Promise<World> {
  const world = await startWorld();
  const ended = world.flowRun("Success", "ended");
  const cancelled = world.flowRun("Cancelled", "cancelled");
  const running = world.flowRun("Running", "running");
  world.job("job-ended", ended);
  world.job("job-cancelled", cancelled, { status: { active: 1 } });
  world.job("job-running", running, { status: { active: 1, ready: 1 } });
  world.jobPod("pod-running", "job-running");
  world.job("job-kept", ended, { metadata: { annotations: { "prefect.io/keep": "true" } } });
  world.daskPod("dask-done", CLUSTER);
  world.daskFront(CLUSTER);
  const orphaned = `dask-${cancelled}-0123abcd-4`;
  world.daskPod("orphan-worker", orphaned, { phase: "Running" });
  world.daskPod("orphan-scheduler", orphaned, { phase: "Running", role: "scheduler" });
  world.daskFront(orphaned);
  const working = `dask-${running}-0123abcd-4`;
  world.daskPod("working-worker", working, { phase: "Running" });
  world.daskFront(working);
  world.daskPod("nobodys-worker", "dask-jim-11111111-1", { phase: "Running" });
  world.kube.put("pods", {
    metadata: { name: "web", namespace: NAMESPACE, labels: { app: "dask" } },
    spec: { containers: [{ name: "web", image: "web:1" }] },
    status: { phase: "Succeeded" },
  });
  world.kube.put("services", {
    metadata: { name: "web", namespace: NAMESPACE },
    spec: { selector: { app: "dask" }, ports: [{ port: 80 }] },
  });
  return world;
}

describe("cleanup", () => {
  it("deletes exactly what is stale, and then finds nothing more", async () => {
    const world = await messyWorld();
    const running =
      world.kube.get("pods", NAMESPACE, "working-worker")?.metadata.labels?.["dask.org/cluster-name"] ?? "";
    const first = await world.run(["cleanup", "--yes", ...OLD]);
    expect([first.exitCode, first.stderr]).toEqual([
      0,
      "removed 2 Jobs, 3 pods, 2 Services, 2 PodDisruptionBudgets\n",
    ]);
    expect(first.stdout.split("\n")).toContain('job.batch "job-ended" deleted from flows namespace');
    expect(world.left("jobs")).toEqual(["job-kept", "job-running"]);
    expect(world.left("pods")).toEqual(["nobodys-worker", "pod-running", "web", "working-worker"]);
    expect(world.left("services")).toEqual([running, "web"]);
    expect(world.left("poddisruptionbudgets")).toEqual([running]);
    const second = await world.run(["cleanup", "--yes", ...OLD]);
    expect([second.exitCode, second.stdout]).toEqual([0, ""]);
    expect(second.stderr).toMatch(/^nothing to clean up \(\d+ kept; -v shows why\)\n$/);
  });

  it("prints the plan and deletes nothing with --dry-run", async () => {
    const world = await messyWorld();
    const { stdout, stderr, exitCode } = await world.run(["cleanup", "--dry-run", "--jobs", ...OLD]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["OBJECT", "REASON", "AGE", "RUN", "STATE"],
      [
        "job.batch/job-cancelled",
        "its flow run is Cancelled, but the Job is stuck (NoPod)",
        "120m",
        "cancelled",
        "Cancelled",
      ],
      ["job.batch/job-ended", "succeeded 120m ago", "120m", "ended", "Success"],
      [""],
    ]);
    expect(stderr).toBe("would remove 2 Jobs (2 kept; -v shows why)\n");
    expect(world.left("jobs")).toHaveLength(4);
  });

  it("lets the API server check each deletion with --dry-run=server", async () => {
    const world = await messyWorld();
    const { stdout, stderr } = await world.run(["cleanup", "--dry-run=server", "--jobs", ...OLD]);
    expect(stdout).toContain('job.batch "job-ended" deleted from flows namespace (server dry run)\n');
    expect(stderr).toBe("would remove 2 Jobs\n");
    expect(world.left("jobs")).toHaveLength(4);
  });

  it.each([
    { output: "name", wanted: "job.batch/job-ended\n" },
    { output: "json", wanted: '"object": "job.batch/job-ended"' },
    { output: "yaml", wanted: "object: job.batch/job-ended" },
  ])("prints the plan with -o $output", async ({ output, wanted }) => {
    const world = await messyWorld();
    const { stdout } = await world.run(["cleanup", "--dry-run", "--run", "ended", "-o", output, ...OLD]);
    expect(stdout).toContain(wanted);
    expect(stdout).not.toContain("job-cancelled");
  });

  it.each([
    { argv: ["cleanup"], cause: "there is no terminal to ask on" },
    { argv: ["cleanup", "--every", "60s"], cause: "--every cannot ask each time" },
    { argv: ["cleanup", "--dry-run=maybe"], cause: "--dry-run" },
    { argv: ["cleanup", "--yes", "-o", "xml"], cause: "unknown output format" },
    { argv: ["cleanup", "--yes", "--older-than", "soon"], cause: "not a duration" },
  ])("rejects $argv with exit code 2", async ({ argv, cause }) => {
    const world = await messyWorld();
    const { stderr, exitCode } = await world.run(argv);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(cause);
    expect(world.left("jobs")).toHaveLength(4);
  });

  it("uses only Kubernetes without a Prefect API, and warns", async () => {
    const world = await messyWorld();
    const { stderr, exitCode } = await world.run(["cleanup", "--yes", ...OLD], { alone: true });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("states of Prefect 1 flow runs are unknown: no API is configured");
    expect(world.left("jobs")).toEqual(["job-cancelled", "job-kept", "job-running"]);
    expect(world.left("pods")).not.toContain("dask-done");
    expect(world.left("pods")).toContain("orphan-worker");
  });

  it("keeps a pod that starts to run between the plan and its deletion", async () => {
    const world = await startWorld();
    const cluster = `dask-${world.flowRun("Failed", "late")}-0123abcd-4`;
    world.daskPod("starting", cluster, { phase: "Pending" });
    world.daskPod("waiting", cluster, { phase: "Pending" });
    world.kube.setOnRequest(({ verb, name }) => {
      if (verb === "get" && name === "starting") world.daskPod("starting", cluster, { phase: "Running" });
    });
    const { stderr, exitCode } = await world.run(["cleanup", "--yes", ...OLD]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('skipped: pod/starting in namespace "flows": it has started running');
    expect(world.left("pods")).toEqual(["starting"]);
  });

  it("keeps objects of a run that is restarted between the plan and their deletion", async () => {
    const world = await startWorld();
    const id = world.flowRun("Failed", "again");
    world.job("job-again", id, { status: { active: 1 } });
    let asked = 0;
    world.prefect.onRequest(() => {
      // The first query is for the plan, the second one right before the deletion.
      if (++asked === 2) world.prefect.setState(id, { type: "Running" });
    });
    const { stderr } = await world.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("its flow run is Running now");
    expect(world.left("jobs")).toEqual(["job-again"]);
  });

  it("keeps a finished Job that is annotated at the last moment", async () => {
    const world = await startWorld();
    const id = world.flowRun("Success", "ended");
    world.job("job-ended", id);
    world.kube.setOnRequest(({ verb }) => {
      if (verb === "delete")
        world.job("job-ended", id, { metadata: { annotations: { "prefect.io/keep": "true" } } });
    });
    const { stderr } = await world.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("it is now annotated prefect.io/keep");
    expect(world.left("jobs")).toEqual(["job-ended"]);
  });

  it("waits after 429 and still deletes everything", async () => {
    const world = await startWorld();
    const id = world.flowRun("Success", "ended");
    for (let at = 0; at < 40; at++) world.job(`job-${at}`, id);
    world.kube.faults.add({
      action: { kind: "answer", status: 429, retryAfterSeconds: 0.05 },
      match: ({ verb }) => verb === "delete",
      nth: 5,
      times: 10,
    });
    const { stderr, exitCode } = await world.run(["cleanup", "--yes", ...OLD]);
    expect([exitCode, stderr]).toEqual([0, "removed 40 Jobs\n"]);
    expect(world.left("jobs")).toEqual([]);
  });

  it("reports forbidden deletions, does the rest, and exits with 1", async () => {
    const world = await startWorld();
    const id = world.flowRun("Success", "ended");
    world.job("job-ended", id);
    world.daskPod("dask-done", CLUSTER);
    world.kube.forbid({ verbs: ["delete"], resources: ["jobs"], namespaces: [NAMESPACE] });
    const { stderr, exitCode } = await world.run(["cleanup", "--yes", "-A", ...OLD]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('error: cannot delete Job "job-ended" in namespace "flows": ');
    expect(stderr).toContain("removed 1 pod; 1 failed\n");
    expect(world.left("jobs")).toEqual(["job-ended"]);
  });

  it("reports how far it got when it is interrupted", async () => {
    const world = await startWorld();
    const id = world.flowRun("Success", "ended");
    for (let at = 0; at < 100; at++) world.job(`job-${at}`, id);
    const controller = new AbortController();
    let deletions = 0;
    world.kube.setOnRequest(({ verb }) => {
      if (verb === "delete" && ++deletions === 20) controller.abort();
    });
    const { stdout, stderr, exitCode } = await world.run(["cleanup", "--yes", ...OLD], {
      signal: controller.signal,
    });
    const left = world.left("jobs").length;
    expect(exitCode).toBe(130);
    expect(left).toBeGreaterThan(0);
    expect(stdout.trim().split("\n")).toHaveLength(100 - left);
    expect(stderr).toContain(`removed ${100 - left} Jobs; ${left} not attempted (interrupted)\n`);
  });

  it("repeats with --every until it is stopped", async () => {
    const world = await startWorld();
    const id = world.flowRun("Success", "ended");
    world.job("job-first", id);
    const controller = new AbortController();
    const next = (): void => {
      if (world.left("jobs").length > 0) return;
      world.kube.setOnRequest(({ verb, resource }) => {
        if (verb === "list" && resource === "jobs") world.job("job-second", id);
        if (verb === "delete") setImmediate(() => controller.abort());
      });
    };
    world.kube.setOnRequest(({ verb }) => void (verb === "delete" && setImmediate(next)));
    const argv = ["cleanup", "--yes", "--every", "10ms", ...OLD];
    const { stdout, exitCode } = await world.run(argv, { signal: controller.signal });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("job-first");
    expect(stdout).toContain("job-second");
  });
});
