// Creates thousands of finished Jobs of flow runs, with or without a pod for each.

import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "../../src/base/json.ts";
import { objectIn, textIn } from "../../src/base/json.ts";
import type { Cluster, Namespace } from "./cluster.ts";
import { jobsFor } from "./jobs-for.ts";
import { timestamp } from "../../test/fakes/kubernetes/kube-object.ts";

const CREATE_AT_ONCE = 16;
/** Until the controllers have seen the new objects. */
const SETTLED_MS = 5_000;
const RUN_LABEL = "prefect.io/flow_run_id";
/** Makes the Job controller leave a Job alone: it completes fifty a second, and with 10,000 pods it works on for minutes. */
const MANAGER = "kubectl-prefect/bench";

export interface FinishedJobs {
  readonly count: number;
  /** All of one flow run. */
  readonly ofOneRun?: boolean;
  /** Each with a pod, which no node runs. */
  readonly withPods?: boolean;
}

/** Creates Jobs like the agent's, and completes them. */
export async function finishedJobs(
  cluster: Cluster,
  namespace: Namespace,
  wanted: FinishedJobs,
): Promise<void> {
  const { count, ofOneRun = false, withPods = false } = wanted;
  const jobs = (await jobsFor(namespace.name, count)).map((text) => objectIn(JSON.parse(text)));
  const run = objectIn(objectIn(jobs[0]?.["metadata"])["labels"])[RUN_LABEL];
  const left = jobs.values();
  const create = async (): Promise<void> => {
    for (const job of left) {
      const metadata = objectIn(job["metadata"]);
      const labels = { ...objectIn(metadata["labels"]), ...(ofOneRun ? { [RUN_LABEL]: run } : {}) };
      const spec = { ...objectIn(job["spec"]), completions: 0, parallelism: 0, managedBy: MANAGER };
      const body = { ...job, metadata: { ...metadata, labels }, spec };
      const answer = await cluster.send({ method: "POST", path: pathOf(namespace), body });
      const created = objectIn(JSON.parse(answer.body));
      const { name } = objectIn(created["metadata"]);
      await cluster.send({
        method: "PATCH",
        path: `${pathOf(namespace)}/${textIn(name) ?? ""}/status`,
        body: { status: completed() },
        contentType: "application/merge-patch+json",
      });
      const path = `/api/v1/namespaces/${namespace.name}/pods`;
      if (withPods) await cluster.send({ method: "POST", path, body: podOf(created) });
    }
  };
  await Promise.all(Array.from({ length: CREATE_AT_ONCE }, create));
  await setTimeout(SETTLED_MS);
}

/** The status of a Job that has just completed. */
function completed(): JsonObject {
  const at = timestamp(new Date());
  const conditions = ["SuccessCriteriaMet", "Complete"].map((type) => ({
    type,
    status: "True",
    lastTransitionTime: at,
  }));
  return { startTime: at, completionTime: at, conditions };
}

/** A pod of this Job. */
function podOf(job: JsonObject): JsonObject {
  const { name, uid, labels } = objectIn(job["metadata"]);
  const template = objectIn(objectIn(job["spec"])["template"]);
  const owner = { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true };
  return {
    metadata: { name: `${textIn(name) ?? ""}-pod`, labels, ownerReferences: [owner] },
    spec: { ...objectIn(template["spec"]), schedulerName: "none", terminationGracePeriodSeconds: 0 },
  };
}

/** The API path of the namespace's Jobs. */
export function pathOf(namespace: Namespace): string {
  return `/apis/batch/v1/namespaces/${namespace.name}/jobs`;
}
