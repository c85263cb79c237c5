// A Job that a flow makes itself, with its run's label: it is shown, and nothing is concluded from it about the run.

import { expect, it } from "vitest";
import { NAMESPACE, startTestCluster } from "./commands/cleanup/cluster.ts";
import type { TestCluster } from "./commands/cleanup/cluster.ts";

const FAILED = {
  failed: 1,
  conditions: [{ type: "Failed", status: "True", lastTransitionTime: new Date(0).toISOString() }],
};

/** A run at work, and a Job that its flow has made, whose pod has no label of Prefect. */
async function world(
  madeByFlow: object,
): Promise<{ readonly testCluster: TestCluster; readonly id: string }> {
  const testCluster = await startTestCluster();
  const id = testCluster.flowRun("Running", "quick-fox");
  const run = { "prefect.io/flow_run_id": id };
  testCluster.job("agents", id, { status: { active: 1, ready: 1 } });
  testCluster.jobPod("agents-pod", "agents");
  testCluster.job("made", id, { metadata: { labels: run }, status: { ...madeByFlow } });
  const { uid } = testCluster.kube.get("jobs", NAMESPACE, "made")?.metadata ?? {};
  testCluster.kube.put("pods", {
    metadata: {
      name: "made-pod",
      namespace: NAMESPACE,
      labels: { "job-name": "made" },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "made", uid, controller: true }],
    },
    spec: { nodeName: "node", containers: [{ name: "x", image: "y" }] },
    status: { phase: "Running", containerStatuses: [{ name: "x", ready: true, state: { running: {} } }] },
  });
  const own = testCluster.kube.get("pods", NAMESPACE, "agents-pod");
  const running = [{ name: "flow", ready: false, state: { running: {} } }];
  const spec = { ...own?.spec, nodeName: "node" };
  testCluster.kube.put("pods", { ...own, spec, status: { phase: "Running", containerStatuses: running } });
  for (const name of ["agents-pod", "made-pod"])
    testCluster.kube.writeLog({ namespace: NAMESPACE, name }, name === "made-pod" ? "x" : "flow", name);
  return { testCluster, id };
}

it("has its own row, with its pod, beside that of the run's own Job", async () => {
  const { testCluster } = await world({ active: 1, ready: 1 });
  const { stdout } = await testCluster.run(["jobs", "-o", "wide"]);
  expect(stdout).toMatch(/ agents +0\/1 Running .* active .* running\n/);
  expect(stdout).toMatch(/ made +1\/1 Running .* active .* running\n/);
});

it("that has failed fails no run, and no agent would delete it", async () => {
  const { testCluster } = await world(FAILED);
  const { stdout } = await testCluster.run(["inspect", "quick-fox"]);
  expect(stdout).toMatch(/^STATUS active: /);
  expect(stdout).toContain("job/made failed");
  expect(stdout).not.toMatch(/delete Job made|restart the flow run/);
});

it("is not what logs print, unless all pods are asked for", async () => {
  const { testCluster } = await world({ active: 1, ready: 1 });
  expect((await testCluster.run(["logs", "quick-fox"])).stdout).toBe("agents-pod\n");
  const all = await testCluster.run(["logs", "quick-fox", "--all-pods", "--all-containers"]);
  expect(all.stdout).toContain("made-pod/x made-pod\n");
});

it("that has finished stays without a Prefect API, too, while the run's own Job works", async () => {
  const { testCluster } = await world(FAILED);
  await testCluster.run(["cleanup", "--yes", "--older-than", "0"], { alone: true });
  const made = testCluster.kube.get("jobs", NAMESPACE, "made");
  const labels = { ...made?.metadata.labels, team: "a" };
  testCluster.kube.put("jobs", { ...made, metadata: { ...made?.metadata, labels } });
  await testCluster.run(["cleanup", "--yes", "--older-than", "0", "-l", "team=a"], { alone: true });
  expect(testCluster.left("jobs")).toEqual(["agents", "made"]);
});
