// A cluster and a Prefect API with leftovers of flow runs, for the tests of cleanup and cancel.

import { onTestFinished } from "vitest";
import type { JsonObject } from "../../../../src/base/json.ts";
import { startFakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../../fakes/prefect1/fake-prefect1.ts";
import { runCli } from "../../../support/run-cli.ts";
import type { CliResult, CliInput } from "../../../support/run-cli.ts";

export const NAMESPACE = "flows";
const KUBECONFIG = "/home/user/.kube/config";
const LONG_AGO = new Date(Date.now() - 7_200_000).toISOString();

/** Both fakes, and a function that runs command lines against them. */
export class TestCluster {
  readonly kube: FakeKubernetes;
  readonly prefect: FakePrefect1;

  constructor(kube: FakeKubernetes, prefect: FakePrefect1) {
    this.kube = kube;
    this.prefect = prefect;
  }

  /** `kubectl prefect ARGV…`, with a Prefect API unless `alone`. */
  run(argv: readonly string[], given: CliInput & { readonly alone?: boolean } = {}): Promise<CliResult> {
    const files = { [KUBECONFIG]: this.kube.kubeconfig({ namespace: NAMESPACE }) };
    const env = {
      KUBECONFIG,
      ...(given.alone === true ? {} : { PREFECT__CLOUD__API: this.prefect.url, PREFECT__BACKEND: "server" }),
    };
    return runCli(argv, { ...given, files, env: { ...env, ...given.env } });
  }

  /** A flow run in this state. */
  flowRun(type: string, name: string): string {
    const flow = this.prefect.createFlow({ name: "etl" });
    const { id } = this.prefect.createFlowRun({ flow, name });
    if (type !== "Scheduled") this.prefect.setState(id, { type });
    return id;
  }

  /** A Job of a flow run: finished two hours ago, or running. */
  job(name: string, flowRunId: string, given: { status?: JsonObject; metadata?: JsonObject } = {}): void {
    const ended = [{ type: "Complete", status: "True", lastTransitionTime: LONG_AGO }];
    const labels = { "prefect.io/flow_run_id": flowRunId, "prefect.io/identifier": "1a2b3c4d" };
    this.kube.put("jobs", {
      metadata: { name, namespace: NAMESPACE, labels, creationTimestamp: LONG_AGO, ...given.metadata },
      spec: {
        backoffLimit: 0,
        template: { spec: { containers: [{ name: "flow", image: "flow:1" }], restartPolicy: "Never" } },
      },
      status: given.status ?? { completionTime: LONG_AGO, succeeded: 1, conditions: ended },
    });
  }

  /** A pod of a Job. */
  jobPod(name: string, jobName: string, phase = "Running"): void {
    const owner = this.kube.get("jobs", NAMESPACE, jobName);
    const labels = owner?.metadata.labels ?? {};
    const ownerReferences = [
      { apiVersion: "batch/v1", kind: "Job", name: jobName, uid: owner?.metadata.uid, controller: true },
    ];
    this.kube.put("pods", {
      metadata: { name, namespace: NAMESPACE, labels, ownerReferences, creationTimestamp: LONG_AGO },
      spec: { containers: [{ name: "flow", image: "flow:1" }], restartPolicy: "Never" },
      status: { phase },
    });
  }

  /** A pod whose Job was deleted with propagation Orphan. */
  letGoPod(name: string, flowRunId: string, given: { phase?: string; labels?: JsonObject } = {}): void {
    const labels = {
      "prefect.io/identifier": "aaaaaaaa",
      "prefect.io/flow_run_id": flowRunId,
      "job-name": "job-gone",
      "controller-uid": `uid-of-${name}`,
      ...given.labels,
    };
    this.kube.put("pods", {
      metadata: { name, namespace: NAMESPACE, labels },
      spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }] },
      status: { phase: given.phase ?? "Running" },
    });
  }

  /** A pod of a classic Dask cluster. */
  daskPod(
    name: string,
    cluster: string,
    given: { phase?: string; role?: string; metadata?: JsonObject } = {},
  ): void {
    const { phase = "Succeeded", role = "worker", metadata = {} } = given;
    const labels = { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role };
    const terminated = { exitCode: 0, finishedAt: LONG_AGO };
    this.kube.put("pods", {
      metadata: { name, namespace: NAMESPACE, labels, creationTimestamp: LONG_AGO, ...metadata },
      spec: { containers: [{ name: "dask-worker", image: "dask:1" }], restartPolicy: "Never" },
      status:
        phase === "Succeeded"
          ? { phase, containerStatuses: [{ name: "dask-worker", state: { terminated } }] }
          : { phase },
    });
  }

  /** The Service and PodDisruptionBudget of a classic Dask cluster. */
  daskFront(cluster: string): void {
    const matchLabels = { "dask.org/cluster-name": cluster, "dask.org/component": "scheduler" };
    const metadata = { name: cluster, namespace: NAMESPACE, creationTimestamp: LONG_AGO };
    this.kube.put("services", {
      metadata: { ...metadata, labels: matchLabels },
      spec: { selector: matchLabels, ports: [{ port: 8786 }] },
    });
    this.kube.put("poddisruptionbudgets", { metadata, spec: { minAvailable: 1, selector: { matchLabels } } });
  }

  /** The names of the remaining objects. */
  left(resource: string): readonly string[] {
    return this.kube
      .list(resource, NAMESPACE)
      .map(({ metadata }) => metadata.name)
      .sort();
  }
}

/** Starts both fakes until the end of the test. There is no Job controller: objects change only if the test changes them. */
export async function startTestCluster(
  others: readonly string[] = [],
  ofPrefect: FakePrefect1Options = {},
): Promise<TestCluster> {
  const kube = await startFakeKubernetes({ namespaces: [NAMESPACE, ...others], controller: false });
  onTestFinished(() => kube.stop());
  const prefect = await startFakePrefect1(ofPrefect);
  onTestFinished(() => prefect.stop());
  return new TestCluster(kube, prefect);
}
