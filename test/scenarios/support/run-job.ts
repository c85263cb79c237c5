// The Job of a flow run, as an agent makes it.

import type { JsonObject } from "../../../src/base/json.ts";
import { ownerText } from "../../../src/job/owner.ts";
import type { FakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";

/** A Job with these annotations belongs to the agent without options, and was made by an earlier process of it. */
const OWNED = { "prefect.io/agent": ownerText({ name: "agent", labels: [], process: "earlier" }) };

export const JOB_NAME = "prefect-job-0a1b2c3d";

/** Puts the Job of a flow run into the namespace `default`. */
export function putRunJob(
  kube: Pick<FakeKubernetes, "put">,
  flowRunId: string,
  { name = JOB_NAME, annotations = OWNED, env = [] }: RunJob = {},
): void {
  const labels = { "prefect.io/flow_run_id": flowRunId, "prefect.io/identifier": "0a1b2c3d" };
  const containers = [{ name: "flow", image: "flows:1", env }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  const metadata = { name, namespace: "default", labels, annotations };
  kube.put("jobs", { metadata, spec: { backoffLimit: 0, completions: 1, parallelism: 1, template } });
}

interface RunJob {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of its container. */
  readonly env?: readonly JsonObject[];
}
