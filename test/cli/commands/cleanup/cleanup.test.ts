// kubectl prefect cleanup on the fakes: what it prints, deletes and keeps.

import { describe, expect, it } from "vitest";
import { hurriedClock } from "../../../support/clock.ts";
import { newWarnings } from "../../../../src/cli/options/namespaced-command.ts";
import { NAMESPACE, startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

const OLD = ["--older-than", "0"];
const CLUSTER = "dask-root-03d5b8bb-0";

async function messyWorld(): Promise<TestCluster> {
  const testCluster = await startTestCluster();
  const ended = testCluster.flowRun("Success", "ended");
  const cancelled = testCluster.flowRun("Cancelled", "cancelled");
  const running = testCluster.flowRun("Running", "running");
  testCluster.job("job-ended", ended);
  testCluster.job("job-cancelled", cancelled, { status: { active: 1 } });
  testCluster.job("job-running", running, { status: { active: 1, ready: 1 } });
  testCluster.jobPod("pod-running", "job-running");
  testCluster.job("job-kept", ended, { metadata: { annotations: { "prefect.io/keep": "true" } } });
  testCluster.daskPod("dask-done", CLUSTER);
  testCluster.daskFront(CLUSTER);
  const orphaned = `dask-${cancelled}-0123abcd-4`;
  testCluster.daskPod("orphan-worker", orphaned, { phase: "Running" });
  testCluster.daskPod("orphan-scheduler", orphaned, { phase: "Running", role: "scheduler" });
  testCluster.daskFront(orphaned);
  const working = `dask-${running}-0123abcd-4`;
  testCluster.daskPod("working-worker", working, { phase: "Running" });
  testCluster.daskFront(working);
  testCluster.daskPod("nobodys-worker", "dask-jim-11111111-1", { phase: "Running" });
  testCluster.kube.put("pods", {
    metadata: { name: "web", namespace: NAMESPACE, labels: { app: "dask" } },
    spec: { containers: [{ name: "web", image: "web:1" }] },
    status: { phase: "Succeeded" },
  });
  testCluster.kube.put("services", {
    metadata: { name: "web", namespace: NAMESPACE },
    spec: { selector: { app: "dask" }, ports: [{ port: 80 }] },
  });
  return testCluster;
}

describe("cleanup", () => {
  it("deletes exactly what is stale, and then finds nothing more", async () => {
    const testCluster = await messyWorld();
    const running =
      testCluster.kube.get("pods", NAMESPACE, "working-worker")?.metadata.labels?.["dask.org/cluster-name"] ??
      "";
    const first = await testCluster.run(["cleanup", "--yes", ...OLD]);
    expect([first.exitCode, first.stderr]).toEqual([
      0,
      "removed 2 Jobs, 3 pods, 2 Services, 2 PodDisruptionBudgets\n",
    ]);
    expect(first.stdout.split("\n")).toContain('job.batch "job-ended" deleted from flows namespace');
    expect(testCluster.left("jobs")).toEqual(["job-kept", "job-running"]);
    expect(testCluster.left("pods")).toEqual(["nobodys-worker", "pod-running", "web", "working-worker"]);
    expect(testCluster.left("services")).toEqual([running, "web"]);
    expect(testCluster.left("poddisruptionbudgets")).toEqual([running]);
    const second = await testCluster.run(["cleanup", "--yes", ...OLD]);
    expect([second.exitCode, second.stdout]).toEqual([0, ""]);
    expect(second.stderr).toMatch(/^nothing to clean up \(\d+ kept; -v shows why\)\n$/);
  });

  it("prints the plan and deletes nothing with --dry-run", async () => {
    const testCluster = await messyWorld();
    const { stdout, stderr, exitCode } = await testCluster.run(["cleanup", "--dry-run", "--jobs", ...OLD]);
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
    expect(testCluster.left("jobs")).toHaveLength(4);
  });

  it("lets the API server check each deletion with --dry-run=server", async () => {
    const testCluster = await messyWorld();
    const { stdout, stderr } = await testCluster.run(["cleanup", "--dry-run=server", "--jobs", ...OLD]);
    expect(stdout).toContain('job.batch "job-ended" deleted from flows namespace (server dry run)\n');
    expect(stderr).toBe("would remove 2 Jobs\n");
    expect(testCluster.left("jobs")).toHaveLength(4);
  });

  it.each([
    { output: "name", wanted: "job.batch/job-ended\n" },
    { output: "json", wanted: '"object": "job.batch/job-ended"' },
    { output: "yaml", wanted: "object: job.batch/job-ended" },
  ])("prints the plan with -o $output", async ({ output, wanted }) => {
    const testCluster = await messyWorld();
    const { stdout } = await testCluster.run([
      "cleanup",
      "--dry-run",
      "--run",
      "ended",
      "-o",
      output,
      ...OLD,
    ]);
    expect(stdout).toContain(wanted);
    expect(stdout).not.toContain("job-cancelled");
  });

  it.each([
    { argv: ["cleanup"], cause: "there is no terminal to ask on" },
    { argv: ["cleanup", "--every", "60s"], cause: "--every cannot ask each time" },
    { argv: ["cleanup", "--yes", "--every", "0"], cause: 'cannot read --every "0": it is no interval' },
    { argv: ["cleanup", "--yes", "--every", "0.0"], cause: "it is no interval" },
    { argv: ["cleanup", "--dry-run=maybe"], cause: "--dry-run" },
    { argv: ["cleanup", "--yes", "-o", "xml"], cause: "unknown output format" },
    { argv: ["cleanup", "--yes", "--older-than", "soon"], cause: "not a duration" },
  ])("rejects $argv with exit code 2", async ({ argv, cause }) => {
    const testCluster = await messyWorld();
    const { stderr, exitCode } = await testCluster.run(argv);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(cause);
    expect(testCluster.left("jobs")).toHaveLength(4);
  });

  it("uses only Kubernetes without a Prefect API, and warns", async () => {
    const testCluster = await messyWorld();
    const { stderr, exitCode } = await testCluster.run(["cleanup", "--yes", ...OLD], { alone: true });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("states of Prefect 1 flow runs are unknown: no API is configured");
    expect(testCluster.left("jobs")).toEqual(["job-cancelled", "job-kept", "job-running"]);
    expect(testCluster.left("pods")).not.toContain("dask-done");
    expect(testCluster.left("pods")).toContain("orphan-worker");
  });

  it("keeps a pod that starts to run between the plan and its deletion", async () => {
    const testCluster = await startTestCluster();
    const cluster = `dask-${testCluster.flowRun("Failed", "late")}-0123abcd-4`;
    testCluster.daskPod("starting", cluster, { phase: "Pending" });
    testCluster.daskPod("waiting", cluster, { phase: "Pending" });
    testCluster.kube.setOnRequest(({ verb, name }) => {
      if (verb === "get" && name === "starting")
        testCluster.daskPod("starting", cluster, { phase: "Running" });
    });
    const { stderr, exitCode } = await testCluster.run(["cleanup", "--yes", ...OLD]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('skipped: pod/starting in namespace "flows": it has started running');
    expect(testCluster.left("pods")).toEqual(["starting"]);
  });

  it("keeps objects of a run that is restarted between the plan and their deletion", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Failed", "again");
    testCluster.job("job-again", id, { status: { active: 1 } });
    let asked = 0;
    testCluster.prefect.onRequest(({ fields }, moment) => {
      // The first query is for the plan, the second one right before the deletion.
      if (moment === "before" && fields.includes("flow_run") && ++asked === 2)
        testCluster.prefect.setState(id, { type: "Running" });
    });
    const { stderr } = await testCluster.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("its flow run is Running now");
    expect(testCluster.left("jobs")).toEqual(["job-again"]);
  });

  it("keeps a finished Job that is annotated at the last moment", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Success", "ended");
    testCluster.job("job-ended", id);
    testCluster.kube.setOnRequest(({ verb }) => {
      if (verb === "delete")
        testCluster.job("job-ended", id, { metadata: { annotations: { "prefect.io/keep": "true" } } });
    });
    const { stderr } = await testCluster.run(["cleanup", "--yes", ...OLD]);
    expect(stderr).toContain("it is now annotated prefect.io/keep");
    expect(testCluster.left("jobs")).toEqual(["job-ended"]);
  });

  it("waits after 429 and still deletes everything", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Success", "ended");
    for (let at = 0; at < 40; at++) testCluster.job(`job-${at}`, id);
    testCluster.kube.fault({
      effect: { kind: "status", status: 429, retryAfterSeconds: 0.05 },
      match: ({ verb }) => verb === "delete",
      nth: 5,
      times: 10,
    });
    const { stderr, exitCode } = await testCluster.run(["cleanup", "--yes", ...OLD]);
    expect([exitCode, stderr]).toEqual([0, "removed 40 Jobs\n"]);
    expect(testCluster.left("jobs")).toEqual([]);
  });

  it("reports forbidden deletions, does the rest, and exits with 1", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Success", "ended");
    testCluster.job("job-ended", id);
    testCluster.daskPod("dask-done", CLUSTER);
    testCluster.kube.forbid({ verbs: ["delete"], resources: ["jobs"], namespaces: [NAMESPACE] });
    const { stderr, exitCode } = await testCluster.run(["cleanup", "--yes", "-A", ...OLD]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('error: cannot delete Job "job-ended" in namespace "flows": ');
    expect(stderr).toContain("removed 1 pod; 1 failed\n");
    expect(testCluster.left("jobs")).toEqual(["job-ended"]);
  });

  it("reports how far it got when it is interrupted", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Success", "ended");
    for (let at = 0; at < 100; at++) testCluster.job(`job-${at}`, id);
    const controller = new AbortController();
    let deletions = 0;
    testCluster.kube.setOnRequest(({ verb }) => {
      if (verb === "delete" && ++deletions === 20) controller.abort();
    });
    const { stdout, stderr, exitCode } = await testCluster.run(["cleanup", "--yes", ...OLD], {
      signal: controller.signal,
    });
    const left = testCluster.left("jobs").length;
    expect(exitCode).toBe(130);
    expect(left).toBeGreaterThan(0);
    expect(stdout.trim().split("\n")).toHaveLength(100 - left);
    expect(stderr).toContain(`removed ${100 - left} Jobs; ${left} not attempted (interrupted)\n`);
  });

  it("repeats with --every until it is stopped", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Success", "ended");
    testCluster.job("job-first", id);
    const controller = new AbortController();
    const next = (): void => {
      if (testCluster.left("jobs").length > 0) return;
      testCluster.kube.setOnRequest(({ verb, resource }) => {
        if (verb === "list" && resource === "jobs") testCluster.job("job-second", id);
        if (verb === "delete") setImmediate(() => controller.abort());
      });
    };
    testCluster.kube.setOnRequest(({ verb }) => void (verb === "delete" && setImmediate(next)));
    const argv = ["cleanup", "--yes", "--every", "10ms", ...OLD];
    const { stdout, exitCode } = await testCluster.run(argv, { signal: controller.signal });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("job-first");
    expect(stdout).toContain("job-second");
  });

  it("warns once with --every that the Prefect API does not answer", async () => {
    const testCluster = await startTestCluster();
    testCluster.job("job-first", testCluster.flowRun("Success", "ended"));
    await testCluster.prefect.stop();
    const controller = new AbortController();
    let lists = 0;
    testCluster.kube.setOnRequest(({ verb, resource }, moment) => {
      if (verb === "list" && resource === "jobs" && moment === "after" && ++lists > 4) controller.abort();
    });
    const argv = ["cleanup", "--yes", "--every", "10ms", "--older-than", "9h"];
    const { stderr } = await testCluster.run(argv, { signal: controller.signal, clock: hurriedClock });
    expect(stderr.match(/^warning: states of Prefect 1 flow runs are unknown: /gm)).toHaveLength(1);
  });
});

describe("newWarnings", () => {
  it.each<{ name: string; passes: string[][]; want: string[] }>([
    { name: "once while it lasts", passes: [["a: x"], ["a: x"]], want: ["a: x"] },
    { name: "once, whatever its cause becomes", passes: [["a: x"], ["a: y"]], want: ["a: x"] },
    { name: "once, however many there are", passes: [["2 runs: x"], ["3 runs: x"]], want: ["2 runs: x"] },
    { name: "again after it was over", passes: [["a: x"], [], ["a: x"]], want: ["a: x", "a: x"] },
    { name: "beside another", passes: [["a: x"], ["a: x", "b: x"]], want: ["a: x", "b: x"] },
  ])("prints a warning $name", ({ passes, want }) => {
    const printed: string[] = [];
    const print = newWarnings((warning) => printed.push(warning));
    for (const warnings of passes) print(warnings);
    expect(printed).toEqual(want);
  });
});
