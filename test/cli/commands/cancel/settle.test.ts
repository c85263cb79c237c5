// kubectl prefect cancel: a run becomes Cancelled when nothing of it runs any more, and else stays Cancelling.

import { describe, expect, it } from "vitest";
import { NAMESPACE, startTestCluster } from "../cleanup/cluster.ts";
import { runningWorld, stateOf } from "./running-run.ts";

describe("cancel", () => {
  it("leaves a run Cancelling whose Job is kept, and exits with 1", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    const job = testCluster.kube.get("jobs", NAMESPACE, "job-fox")!;
    const annotations = { "prefect.io/keep": "true" };
    testCluster.kube.put("jobs", { ...job, metadata: { ...job.metadata, annotations } });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, stateOf(running)]).toEqual([1, "Cancelling"]);
    expect(stderr).toContain(
      `error: flow run "quick-fox" (${id}) still runs: pod "pod-fox"\nhint: remove its annotation prefect.io/keep`,
    );
  });

  it("does not claim that nothing is left of a run whose Dask pod is kept", async () => {
    const { testCluster, id, cluster } = await runningWorld();
    const metadata = {
      annotations: { "prefect.io/keep": "true" },
      labels: { "dask.org/cluster-name": cluster, "dask.org/component": "worker" },
    };
    testCluster.daskPod("fox-worker", cluster, { phase: "Running", metadata });
    await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(testCluster.prefect.history(id).at(-1)).toMatchObject({
      type: "Cancelled",
      message: "Cancelled: what is left of the flow run in Kubernetes is annotated prefect.io/keep",
    });
  });

  it("leaves a run Cancelling of which only Dask is in the namespaces that it looks at", async () => {
    const testCluster = await startTestCluster(["dask"]);
    const id = testCluster.flowRun("Running", "quick-fox");
    testCluster.job("job-fox", id, { status: { active: 1, ready: 1 } });
    testCluster.jobPod("pod-fox", "job-fox");
    const cluster = `dask-${id}-0123abcd-4`;
    const labels = { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": "worker" };
    testCluster.daskPod("worker", cluster, { phase: "Running", metadata: { namespace: "dask", labels } });
    const { stderr, exitCode } = await testCluster.run(["cancel", id, "-n", "dask", "--now"]);
    expect([exitCode, testCluster.prefect.flowRun(id)?.state]).toEqual([1, "Cancelling"]);
    expect(stderr).toContain("may run elsewhere");
    expect(testCluster.left("pods")).toEqual(["pod-fox"]);
  });

  it("removes nothing of a Dask cluster whose pods it may not list: it may be in use", async () => {
    const { testCluster, id, cluster } = await runningWorld();
    testCluster.kube.forbid({ verbs: ["list"], resources: ["pods"] });
    const { stdout, stderr, exitCode } = await testCluster.run(["cancel", id, "--now"]);
    expect([exitCode, stdout, testCluster.left("services")]).toEqual([1, "", [cluster]]);
    expect(stderr).toContain(
      `kept: service/${cluster} in namespace "flows": without permission to list pods`,
    );
  });

  it("does not overwrite a state that came while the API did not take Cancelled", async () => {
    const { testCluster, id } = await runningWorld();
    const refusal = {
      effect: { kind: "status", status: 503 },
      match: "set_flow_run_states",
      times: 1,
    } as const;
    const fault = testCluster.prefect.fault(refusal);
    testCluster.prefect.onRequest(({ fields }) => {
      if (
        fields.includes("flow_run") &&
        fault.hits() === 1 &&
        testCluster.prefect.flowRun(id)?.state === "Cancelling"
      )
        testCluster.prefect.setState(id, { type: "Success" });
    });
    await testCluster.run(["cancel", id, "--now"]);
    expect(testCluster.prefect.history(id).map(({ type }) => type)).toEqual([
      "Scheduled",
      "Running",
      "Cancelling",
      "Success",
    ]);
  });

  it("deletes the pods that a deleted Job has let go", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    testCluster.kube.remove("jobs", NAMESPACE, "job-fox");
    testCluster.letGoPod("pod-free", id);
    const { stdout, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect(stdout).toContain('pod "pod-free" deleted from flows namespace\n');
    expect([exitCode, stateOf(running), testCluster.left("pods")]).toEqual([
      0,
      "Cancelled",
      ["cow-worker", "pod-cow"],
    ]);
  });

  it("leaves a run Cancelling of which something was created meanwhile", async () => {
    const running = await runningWorld();
    const { testCluster, id } = running;
    testCluster.kube.setOnRequest(({ verb, resource }, moment) => {
      if (verb === "delete" && resource === "services" && moment === "after")
        testCluster.job("job-new", id, { status: { active: 1 } });
    });
    const { stderr, exitCode } = await testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, stateOf(running)]).toEqual([1, "Cancelling"]);
    expect(stderr).toContain(`error: flow run "quick-fox" (${id}) still runs: Job "job-new"\n`);
  });

  it("cancels nothing without permission to list Jobs", async () => {
    const running = await runningWorld();
    running.testCluster.kube.forbid({ verbs: ["list"], resources: ["jobs"] });
    const { stderr, exitCode } = await running.testCluster.run(["cancel", "quick-fox", "--now"]);
    expect([exitCode, stateOf(running)]).toEqual([4, "Running"]);
    expect(stderr).toMatch(/^error: cannot list jobs /);
  });

  it.each(["Running", "Cancelling"])(
    "leaves a %s run Cancelling that has nothing where it looks: only Cancelling stops it elsewhere",
    async (state) => {
      const running = await runningWorld(state);
      const { testCluster, id } = running;
      const { stderr, exitCode } = await testCluster.run(["cancel", id, "-n", "other"]);
      const left = testCluster.left("jobs");
      expect([exitCode, stateOf(running), left]).toEqual([1, "Cancelling", ["job-cow", "job-fox"]]);
      expect(stderr).toContain(
        `error: flow run "quick-fox" (${id}) has nothing in namespace "other"; it may run elsewhere: look with -A\n`,
      );
    },
  );

  it("looks for a run in the whole cluster with -A, and leaves it Cancelling if it has nothing there", async () => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun("Running", "quick-fox");
    const { stderr, exitCode } = await testCluster.run(["cancel", id, "-A"]);
    expect([exitCode, testCluster.prefect.flowRun(id)?.state]).toEqual([1, "Cancelling"]);
    expect(stderr).toContain("has nothing in the cluster; it may run elsewhere\n");
  });

  it.each(["Scheduled", "Submitted", "Success"])("cancels a %s run that has nothing here", async (state) => {
    const testCluster = await startTestCluster();
    const id = testCluster.flowRun(state, "quick-fox");
    const { exitCode } = await testCluster.run(["cancel", id]);
    const want = state === "Success" ? "Success" : "Cancelled";
    expect([exitCode, testCluster.prefect.flowRun(id)?.state]).toEqual([0, want]);
  });
});
