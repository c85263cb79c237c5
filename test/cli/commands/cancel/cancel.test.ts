// kubectl prefect cancel on the fakes.

import { describe, expect, it } from "vitest";
import { NAMESPACE } from "../cleanup/cluster.ts";
import { runningWorld, stateOf } from "./running-run.ts";

describe("cancel", () => {
  it.each([
    { how: "its name", name: () => "quick-fox" },
    { how: "its id", name: (id: string) => id },
    { how: "the beginning of its id", name: (id: string) => id.slice(0, 12) },
    { how: "its Job", name: () => "job/job-fox" },
  ])("deletes all objects of the run and nothing else; RUN is its $how", async ({ name }) => {
    const running = await runningWorld();
    const { testCluster, id, cluster } = running;
    const { stdout, stderr, exitCode } = await testCluster.run(["cancel", name(id), "--now"]);
    expect([exitCode, stderr]).toEqual([
      0,
      [
        `flow run "quick-fox" (${id}) is Cancelling`,
        `flow run "quick-fox" (${id}) is Cancelled`,
        "removed 1 Job, 1 pod, 1 Service, 1 PodDisruptionBudget\n",
      ].join("\n"),
    ]);
    expect(stdout.trimEnd().split("\n")).toEqual([
      'job.batch "job-fox" deleted from flows namespace',
      'pod "fox-worker" deleted from flows namespace',
      `poddisruptionbudget.policy "${cluster}" deleted from flows namespace`,
      `service "${cluster}" deleted from flows namespace`,
    ]);
    expect(stateOf(running)).toBe("Cancelled");
    expect([testCluster.left("jobs"), testCluster.left("pods"), testCluster.left("services")]).toEqual([
      ["job-cow"],
      ["cow-worker", "pod-cow"],
      [],
    ]);
  });

  it("waits for the flow to terminate, then deletes what is left", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    let looks = 0;
    testCluster.prefect.onRequest(() => {
      // As a flow does: it sets its own state, and its pod terminates.
      if (stateOf(running) !== "Cancelling" || ++looks < 2) return;
      testCluster.prefect.setState(id, { type: "Cancelled" });
      testCluster.job("job-fox", id);
      testCluster.jobPod("pod-fox", "job-fox", "Succeeded");
    });
    const { exitCode } = await testCluster.run(["cancel", "quick-fox", "--grace", "10s"]);
    const settled = testCluster.prefect.history(id).filter(({ type }) => type === "Cancelled");
    expect([exitCode, settled.length, testCluster.left("jobs")]).toEqual([0, 1, ["job-cow"]]);
  });

  it("does not wait for a run without a process", async () => {
    const running = await runningWorld("Submitted");
    const { stderr, exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--grace", "1h"]);
    expect([exitCode, stateOf(running)]).toEqual([0, "Cancelled"]);
    expect(stderr).toContain("is Cancelled\n");
  });

  it("does not change the state in Prefect with --keep-state", async () => {
    const running = await runningWorld();
    const { exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--keep-state"]);
    expect([exitCode, stateOf(running), running.testCluster.left("jobs")]).toEqual([
      0,
      "Running",
      ["job-cow"],
    ]);
  });

  it("deletes the run's objects without a Prefect API too, and warns that it is not cancelled in Prefect", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    const { stderr, exitCode } = await testCluster.run(["cancel", id], { alone: true });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`warning: flow run "${id}" is not cancelled in Prefect: no API is configured`);
    expect([stateOf(running), testCluster.left("jobs")]).toEqual(["Running", ["job-cow"]]);
  });

  it("deletes nothing of a run that Prefect refuses to cancel", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    testCluster.prefect.onRequest(({ fields }) => {
      if (fields.includes("cancel_flow_run")) testCluster.prefect.deleteFlowRun(id);
    });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("error: cannot cancel flow run");
    expect(testCluster.left("jobs")).toEqual(["job-cow", "job-fox"]);
  });

  it("reports what is left and exits with 1", async () => {
    const running = await runningWorld();
    running.testCluster.kube.forbid({ verbs: ["delete"], resources: ["pods"] });
    const { stderr, exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('error: cannot delete Pod "fox-worker" in namespace "flows": ');
    expect([stateOf(running), running.testCluster.left("pods")]).toEqual([
      "Cancelling",
      ["cow-worker", "fox-worker", "pod-cow"],
    ]);
  });

  it("reports a Job that still exists after --timeout, and does not set Cancelled", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    const status = { active: 1, ready: 1 };
    testCluster.job("job-fox", id, { status, metadata: { finalizers: ["example.com/slow"] } });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now", "--timeout", "50ms"]);
    expect([exitCode, stateOf(running)]).toEqual([1, "Cancelling"]);
    expect(stderr).toContain(
      'error: Job "job-fox" still exists, although it is being deleted\n' +
        "hint: its finalizers hold it: example.com/slow\n",
    );
    expect(testCluster.left("pods")).not.toContain("fox-worker");
  });

  it("names the pods, and no finalizer of Kubernetes, where a pod keeps a Job", async () => {
    const { testCluster, id } = await runningWorld();
    const metadata = { finalizers: ["batch.kubernetes.io/job-tracking"] };
    testCluster.job("job-fox", id, { status: { active: 1, ready: 1 }, metadata });
    const { stderr } = await testCluster.run(["cancel", "quick-fox", "--now", "--timeout", "50ms"]);
    expect(stderr).toContain(
      "hint: a pod of it has not ended, perhaps on a node that does not answer: kubectl get pods -n flows -l job-name=job-fox -o wide\n",
    );
  });

  it.each(["team-a.run_7", ""])("refuses a Job whose label is no flow run id: %j", async (label) => {
    const { testCluster } = await runningWorld();
    testCluster.job("job-odd", label, { status: { active: 1 } });
    testCluster.daskPod("alice-worker", "alice", { phase: "Running" });
    const before = [testCluster.left("jobs"), testCluster.left("pods")];
    const { stderr, exitCode } = await testCluster.run(["cancel", "job/job-odd", "--now"]);
    expect([exitCode, [testCluster.left("jobs"), testCluster.left("pods")]]).toEqual([1, before]);
    expect(stderr).toMatch(
      /^error: cannot (?:cancel "team-a.run_7": the label of its Job is|find Job "job-odd")/,
    );
  });

  it("says of other flow runs nothing", async () => {
    const { testCluster } = await runningWorld();
    testCluster.job("job-foreign", crypto.randomUUID(), { status: { active: 1 } });
    const { stderr } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(stderr).not.toContain("warning");
  });

  it("does not claim that what it may not look into is annotated", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    testCluster.job("job-fox", id, { status: { conditions: [{ type: "Failed", status: "True" }] } });
    testCluster.kube.forbid({ verbs: ["list"], resources: ["pods"] });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, testCluster.prefect.history(id).at(-1)?.message]).toEqual([
      1,
      "Cancelled: nothing of the flow run runs in Kubernetes",
    ]);
    expect(stderr).toMatch(/error: cannot delete Job "job-fox", .*: without permission to list pods/);
  });

  it("does not wait with --wait=false", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    const status = { active: 1, ready: 1 };
    testCluster.job("job-fox", id, { status, metadata: { finalizers: ["example.com/slow"] } });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now", "--wait=false"]);
    expect([exitCode, stateOf(running)]).toEqual([0, "Cancelled"]);
    expect(stderr).toContain("removed 1 Job, 1 pod, 1 Service, 1 PodDisruptionBudget\n");
  });

  it("cancels several runs at once and prints each", async () => {
    const { testCluster, id } = await runningWorld();
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "job/job-cow", id, "--now"]);
    expect([exitCode, testCluster.left("jobs"), testCluster.left("pods")]).toEqual([0, [], []]);
    expect(stderr.match(/is Cancelled$/gm)).toHaveLength(2);
    expect(stderr).toContain("removed 2 Jobs, 2 pods, 1 Service, 1 PodDisruptionBudget\n");
  });

  it("slows down after 429 and still deletes everything", async () => {
    const running = await runningWorld();
    running.testCluster.kube.fault({
      effect: { kind: "status", status: 429, retryAfterSeconds: 0.02 },
      match: ({ verb }) => verb !== "watch",
      nth: 3,
      times: 20,
    });
    const { exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, stateOf(running), running.testCluster.left("jobs")]).toEqual([
      0,
      "Cancelled",
      ["job-cow"],
    ]);
  });

  it("keeps objects annotated prefect.io/keep and reports them", async () => {
    const { testCluster, cluster } = await runningWorld();
    const annotations = { "prefect.io/keep": "true" };
    const labels = { "dask.org/cluster-name": cluster, "dask.org/component": "worker" };
    testCluster.daskPod("fox-worker", cluster, { phase: "Running", metadata: { annotations, labels } });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('kept: pod/fox-worker in namespace "flows": annotated prefect.io/keep');
    expect(testCluster.left("pods")).toContain("fox-worker");
  });

  it("prints the hints of its errors", async () => {
    const { testCluster } = await runningWorld();
    testCluster.kube.forbid({ verbs: ["delete"], resources: ["pods"] });
    const { stderr } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(stderr).toMatch(/^error: cannot delete Pod .*\nhint: /m);
  });

  it("deletes nothing when it is interrupted while it waits for the flow", async () => {
    const { testCluster } = await runningWorld();
    const controller = new AbortController();
    testCluster.prefect.onRequest(({ fields }) => {
      if (fields.includes("cancel_flow_run")) setImmediate(() => controller.abort());
    });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox"], {
      signal: controller.signal,
    });
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/is Cancelling\ninterrupted: nothing removed\n$/);
    expect(testCluster.left("jobs")).toEqual(["job-cow", "job-fox"]);
  });

  it("reports what it has removed when it is interrupted after that", async () => {
    const { testCluster, id } = await runningWorld();
    const stop = new AbortController();
    let isDeleted = false;
    testCluster.kube.setOnRequest(({ verb, resource }, moment) => {
      if (verb === "delete" && resource === "jobs" && moment === "after") isDeleted = true;
      else if (isDeleted && verb === "list") stop.abort();
    });
    const { stdout, stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"], {
      signal: stop.signal,
    });
    expect(stdout).toBe('job.batch "job-fox" deleted from flows namespace\n');
    expect(stderr).toBe(`flow run "quick-fox" (${id}) is Cancelling\nremoved 1 Job\n`);
    expect(exitCode).toBe(130);
  });

  it("does not choose between two runs of the same name", async () => {
    const { testCluster } = await runningWorld();
    const twin = testCluster.flowRun("Running", "quick-fox");
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(twin);
    expect(testCluster.left("jobs")).toEqual(["job-cow", "job-fox"]);
  });

  it.each([
    { argv: ["cancel"], code: 2, text: "RUN is missing" },
    { argv: ["cancel", "nobody"], code: 1, text: 'cannot find flow run "nobody"' },
    { argv: ["cancel", "job/nothing"], code: 1, text: 'cannot find Job "nothing"' },
    { argv: ["cancel", "quick-fox", "--wait=perhaps"], code: 2, text: '--wait "perhaps"' },
    { argv: ["cancel", "quick-fox", "--grace", "long"], code: 2, text: "not a duration" },
  ])("rejects $argv", async ({ argv, code, text }) => {
    const { testCluster } = await runningWorld();
    const { stderr, exitCode } = await testCluster.run(argv);
    expect([exitCode, testCluster.left("jobs")]).toEqual([code, ["job-cow", "job-fox"]]);
    expect(stderr).toContain(text);
  });

  it("does not let what is left of one run keep another one from Cancelled", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    const metadata = { finalizers: ["example.com/slow"] };
    testCluster.job("job-fox", id, { status: { active: 1, ready: 1 }, metadata });
    const labels = testCluster.kube.get("jobs", NAMESPACE, "job-cow")?.metadata.labels ?? {};
    const other = labels["prefect.io/flow_run_id"] ?? "";
    const argv = ["cancel", "quick-fox", "slow-cow", "--now", "--timeout", "50ms"];
    const { exitCode } = await testCluster.run(argv);
    expect(exitCode).toBe(1);
    expect([stateOf(running), stateOf({ ...running, id: other })]).toEqual(["Cancelling", "Cancelled"]);
  });

  it("sets Cancelled although a Service may not be deleted: nothing runs any more", async () => {
    const running = await runningWorld();
    running.testCluster.kube.forbid({ verbs: ["delete"], resources: ["services"] });
    const { exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, stateOf(running)]).toEqual([1, "Cancelled"]);
    const { message } = running.testCluster.prefect.history(running.id).at(-1) ?? {};
    expect(message).toBe("Cancelled: nothing of the flow run runs in Kubernetes");
  });

  it("does not say with --wait=false that nothing is left", async () => {
    const running = await runningWorld();
    await running.testCluster.run(["cancel", "quick-fox", "--now", "--wait=false"]);
    const { message } = running.testCluster.prefect.history(running.id).at(-1) ?? {};
    expect(message).toBe("Cancelled: what the flow run has in Kubernetes is being deleted");
  });

  it("tells what Prefect has refused when Kubernetes fails after it", async () => {
    const { testCluster, id } = await runningWorld();
    testCluster.prefect.onRequest(({ fields, variables }) => {
      const isOfFox = JSON.stringify(variables).includes(id);
      if (fields.includes("cancel_flow_run") && isOfFox) testCluster.prefect.deleteFlowRun(id);
    });
    testCluster.kube.setOnRequest(({ verb }, moment) => {
      if (verb === "delete" && moment === "after")
        testCluster.kube.forbid({ verbs: ["list"], resources: ["jobs"] });
    });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "slow-cow", "--now"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`error: cannot cancel flow run "${id}": `);
    expect(stderr).toContain("error: cannot list jobs in namespace");
    expect(stderr).toMatch(/^removed 1 Job/m);
  });

  it.each(["cancel", "inspect", "logs"])(
    "%s takes an empty RUN for none, and asks nobody",
    async (command) => {
      const { testCluster } = await runningWorld();
      const { stderr, exitCode } = await testCluster.run([command, ""], { stdin: "1\n" });
      expect([exitCode, stderr.split("\n")[0]]).toEqual([2, "error: RUN is empty"]);
      expect(testCluster.left("jobs")).toEqual(["job-cow", "job-fox"]);
    },
  );
});
