// The cluster and the Prefects that the documents talk about: flow runs in every situation, each under the name that it has there.

import { onTestFinished } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import { ended, POD, putJob } from "../../inventory/test-cluster.ts";
import { fakePrefect3 } from "../../support/prefect3.ts";

const JOB = "prefect-job-1a2b3c4d";

interface Situation {
  readonly name: string;
  readonly state: string;
  readonly job: string;
  readonly pod: JsonObject;
  readonly status?: JsonObject;
}

const RUNS: readonly Situation[] = [
  { name: "quick-fox", state: "Failed", job: JOB, pod: POD.failed, status: ended("Failed") },
  { name: "train-model", state: "Failed", job: "train", pod: POD.failed, status: ended("Failed") },
  { name: "nightly-report", state: "Running", job: "nightly", pod: POD.running },
  { name: "wrong-image", state: "Submitted", job: "wrong", pod: POD.pulling },
];

export interface DocumentedCluster {
  readonly kube: FakeKubernetes;
  /** The addresses in the documents, and where this test has what they name. */
  readonly addresses: readonly (readonly [string, string])[];
}

/** Serves them until the test ends. */
export async function startDocumentedCluster(): Promise<DocumentedCluster> {
  const kube = await startFakeKubernetes({ controller: false, namespaces: ["flows"] });
  onTestFinished(() => kube.stop());
  const prefect = await startFakePrefect1();
  onTestFinished(() => prefect.stop());
  const { url } = await fakePrefect3();
  const flow = prefect.createFlow({ name: "etl" });
  for (const { name, state, job, pod, status = {} } of RUNS) {
    const { id } = prefect.createFlowRun({ flow, name });
    prefect.setState(id, { type: state });
    putJob({ fake: kube }, job, { namespace: "flows", run: id, flow: flow.id, pod, status });
  }
  return {
    kube,
    addresses: [
      ["http://apollo:4200", prefect.url],
      ["http://localhost:4200/api", url],
    ],
  };
}
