// kubectl prefect cleanup on the fakes: what it shows, what it takes, and what it leaves.

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
  it("removes exactly what nobody needs, and then finds nothing more", async () => {
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
    expect(second.stderr).toMatch(/^nothing to clean up \(\d+ left alone, -v says why\)\n$/);
  });

  it("shows the plan, and touches nothing, with --dry-run", async () => {
    const world = await messyWorld();
    const { stdout, stderr, exitCode } = await world.run(["cleanup", "--dry-run", "--jobs", ...OLD]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["OBJECT", "WHY", "AGE", "RUN", "STATE"],
      [
        "job.batch/job-cancelled",
        "its flow run is Cancelled, the Job is stuck (NoPod)",
        "120m",
        "cancelled",
        "Cancelled",
      ],
      ["job.batch/job-ended", "succeeded 120m ago", "120m", "ended", "Success"],
      [""],
    ]);
    expect(stderr).toBe("would remove 2 Jobs (2 left alone, -v says why)\n");
    expect(world.left("jobs")).toHaveLength(4);
  });

  it("has the server check each deletion with --dry-run=server", async () => {
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
    { argv: ["cleanup"], cause: "there is no terminal to ask at" },
    { argv: ["cleanup", "--every", "60s"], cause: "--every does not ask each time" },
    { argv: ["cleanup", "--dry-run=maybe"], cause: "--dry-run" },
    { argv: ["cleanup", "--yes", "-o", "xml"], cause: "unknown output format" },
    { argv: ["cleanup", "--yes", "--older-than", "soon"], cause: "not a duration" },
  ])("refuses $argv with exit code 2", async ({ argv, cause }) => {
    const world = await messyWorld();
    const { stderr, exitCode } = await world.run(argv);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(cause);
    expect(world.left("jobs")).toHaveLength(4);
  });

  it("decides from Kubernetes alone without a Prefect API, and says so", async () => {
    const world = await messyWorld();
    const { stderr, exitCode } = await world.run(["cleanup", "--yes", ...OLD], { alone: true });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("states of Prefect 1 flow runs are unknown: no API is configured");
    expect(world.left("jobs")).toEqual(["job-cancelled", "job-kept", "job-running"]);
    expect(world.left("pods")).not.toContain("dask-done");
    expect(world.left("pods")).toContain("orphan-worker");
  });

  it("spares a pod that starts to run between the plan and its deletion", async () => {
    const world = await startWorld();
    const cluster = `dask-${world.flowRun("Failed", "late")}-0123abcd-4`;
    world.daskPod("starting", cluster, { phase: "Pending" });
    world.daskPod("waiting", cluster, { phase: "Pending" });
    world.kube.setOnRequest(({ verb, name }) => {
      if (verb === "get" && name === "starting") world.daskPod("starting", cluster, { phase: "Running" });
    });
    const { stderr, exitCode } = await world.run(["cleanup", "--yes", ...OLD]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('left alone: pod/starting in namespace "flows": it has started to run since');
    expect(world.left("pods")).toEqual(["starting"]);
  });

  it("spares what belongs to a run that was restarted between the plan and its deletion", async () => {
    const world = await startWorld();
    const id = world.flowRun("Failed", "again");
    world.job("job-again", id, { status: { active: 1 } });
    let asked = 0;
    world.prefect.onRequest(() => {
      // The first question is the plan's, the second one comes right before the deletion.
      if (++asked === 2) world.prefect.setState(id, { type: "Running" });
    });
    const { stderr } = await world.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("its flow run is Running now");
    expect(world.left("jobs")).toEqual(["job-again"]);
  });

  it("spares a finished Job that is annotated at the last moment", async () => {
    const world = await startWorld();
    const id = world.flowRun("Success", "ended");
    world.job("job-ended", id);
    world.kube.setOnRequest(({ verb }) => {
      if (verb === "delete")
        world.job("job-ended", id, { metadata: { annotations: { "prefect.io/keep": "true" } } });
    });
    const { stderr } = await world.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("annotated prefect.io/keep since");
    expect(world.left("jobs")).toEqual(["job-ended"]);
  });

  it("waits when the server says so, and loses nothing", async () => {
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

  it("reports what it may not delete, does the rest, and exits with 1", async () => {
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

  it("tells the truth when it is interrupted", async () => {
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
    expect(stderr).toContain(`removed ${100 - left} Jobs; interrupted before ${left}\n`);
  });

  it("keeps on doing it with --every, until it is stopped", async () => {
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
