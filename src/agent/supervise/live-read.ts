// Reads the cluster itself before something is done about a Job that has not finished: a watch can be behind, and a
// controller that trusted its cache has killed healthy Jobs elsewhere (buildkite/agent-stack-k8s#926).

import type { Decision } from "../../job/decide/types.ts";
import type { ObservedJob, ObservedRun } from "../../job/observe/observed.ts";
import { isOver } from "../../job/observe/phase.ts";
import type { KubeApi } from "../../kube/client/api.ts";

type Kube = Pick<KubeApi, "get">;

/** Whether the cluster has moved on from what the decision was made of. Asks only if the decision takes something away. */
export async function isCacheStale(kube: Kube, { jobs }: ObservedRun, decision: Decision): Promise<boolean> {
  const { transition, deletions } = decision;
  const isLoss = transition?.kind === "fail" || transition?.kind === "reschedule";
  if (!isLoss && !deletions.some(({ isActive }) => isActive)) return false;
  const open = jobs.filter(({ job }) => !isOver(job));
  const answers = await Promise.all(open.map((observed) => hasChanged(kube, observed)));
  return answers.includes(true);
}

async function hasChanged(kube: Kube, { job, pods, gone }: ObservedJob): Promise<boolean> {
  const { uid, name, namespace, resourceVersion } = job.metadata;
  const found = await kube.get("jobs", { namespace, name });
  if (gone) return found?.metadata.uid === uid;
  if (found?.metadata.resourceVersion !== resourceVersion) return true;
  const fresh = await Promise.all(
    pods.map((pod) => kube.get("pods", { namespace, name: pod.metadata.name })),
  );
  return pods.some((pod, at) => fresh[at]?.metadata.resourceVersion !== pod.metadata.resourceVersion);
}
