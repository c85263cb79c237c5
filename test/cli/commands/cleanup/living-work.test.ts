// What cleanup must not take for something that is over.

import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/base/json.ts";
import { NAMESPACE, startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

const LIVING = { active: 1, ready: 1 };
const ALL = ["cleanup", "--yes", "--older-than", "0"];

/** A Running run of a flow that this Prefect knows, whose Job works. */
function livingJob(cluster: TestCluster, labelOf = (id: string): string => id): string {
  const flow = cluster.prefect.createFlow({ name: "etl" });
  const { id } = cluster.prefect.createFlowRun({ flow, name: "fox" });
  cluster.prefect.setState(id, { type: "Running" });
  const labels = {
    "prefect.io/flow_run_id": labelOf(id),
    "prefect.io/flow_id": cluster.prefect.flowRun(id)?.flow_id,
    "prefect.io/identifier": "1a2b3c4d",
  };
  cluster.job("job-fox", id, { status: LIVING, metadata: { labels } });
  cluster.jobPod("pod-fox", "job-fox");
  return id;
}

describe("cleanup keeps a Job that works", () => {
  it.each(['{"data":{"flow_run":null}}', '{"data":{}}'])("where Prefect answers %s", async (body) => {
    const cluster = await startTestCluster();
    livingJob(cluster);
    const answer = {
      effect: { kind: "status", status: 200, body },
      match: "flow_run",
      times: Infinity,
    } as const;
    cluster.prefect.fault(answer);
    const { stderr } = await cluster.run(ALL);
    expect(cluster.left("jobs")).toEqual(["job-fox"]);
    expect(stderr).toContain("warning");
  });

  it("where a tool has written its run's id in upper case, which Prefect never does", async () => {
    const cluster = await startTestCluster();
    livingJob(cluster, (id) => id.toUpperCase());
    await cluster.run(ALL);
    expect(cluster.left("jobs")).toEqual(["job-fox"]);
  });
});

interface Worker {
  readonly name: string;
  /** Its cluster. */
  readonly of: string;
  readonly namespace?: string;
  readonly phase?: string;
  readonly labels?: JsonObject;
}

function addWorker(cluster: TestCluster, given: Worker): void {
  const { name, of, namespace = NAMESPACE, phase = "Running", labels: more } = given;
  const labels = { app: "dask", "dask.org/cluster-name": of, "dask.org/component": "worker", ...more };
  const creationTimestamp = new Date(Date.now() - 7_000_000).toISOString();
  cluster.daskPod(name, of, { phase, metadata: { namespace, labels, creationTimestamp } });
}

describe("cleanup keeps a Dask cluster in use", () => {
  it("although a Job that its flow has made is newer, and the flow's own is in another namespace", async () => {
    const cluster = await startTestCluster(["work"]);
    const id = livingJob(cluster);
    addWorker(cluster, { name: "worker", of: `dask-${id}-0123abcd-4`, namespace: "work" });
    const labels = { "prefect.io/flow_run_id": id };
    const creationTimestamp = new Date(Date.now() - 3_600_000).toISOString();
    const made = { name: "made", namespace: "work", labels, creationTimestamp };
    cluster.job("made", id, { status: LIVING, metadata: made });
    const owner = { apiVersion: "batch/v1", kind: "Job", name: "made", controller: true };
    const ownerReferences = [{ ...owner, uid: cluster.kube.get("jobs", "work", "made")?.metadata.uid }];
    cluster.kube.put("pods", {
      metadata: { ...made, name: "made-pod", labels: { ...labels, "job-name": "made" }, ownerReferences },
      spec: { containers: [{ name: "main", image: "i" }] },
      status: { phase: "Running" },
    });
    await cluster.run(["cleanup", "--yes", "-n", "work"]);
    expect(cluster.kube.list("pods", "work").map(({ metadata }) => metadata.name)).toEqual([
      "made-pod",
      "worker",
    ]);
  });

  it("that has a fixed name with a date, and pods of a run that is over", async () => {
    const cluster = await startTestCluster();
    const id = cluster.flowRun("Success", "fox");
    const of = "etl-20261201-1";
    addWorker(cluster, { name: "old", of, phase: "Succeeded", labels: { "prefect.io/flow_run_id": id } });
    addWorker(cluster, { name: "in-use", of });
    await cluster.run(ALL);
    expect(cluster.left("pods")).toContain("in-use");
  });
});
