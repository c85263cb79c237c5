// Reads the cluster before acting on a Job that has not finished: a watch can lag behind, and a controller that trusted its
// cache has killed healthy Jobs elsewhere (buildkite/agent-stack-k8s#926).

import type { Decision } from "../../job/decide/types.ts";
import type { ObservedJob, ObservedRun } from "../../job/observe/observed.ts";
import { isJobFinished } from "../../job/observe/phase.ts";
import type { KubeApi } from "../../kube/client/api.ts";

type Kube = Pick<KubeApi, "get">;

/** Whether the cluster differs from what a decision is based on; reads only if it ends a run or deletes an unfinished Job. */
export async function isCacheStale(kube: Kube, { jobs }: ObservedRun, decision: Decision): Promise<boolean> {
  const { transition, deletions } = decision;
  const endsRun = transition?.kind === "fail" || transition?.kind === "reschedule";
  if (!endsRun && !deletions.some(({ isActive }) => isActive)) return false;
  const unfinished = jobs.filter(({ job }) => !isJobFinished(job));
  const changes = await Promise.all(unfinished.map((observed) => hasChanged(kube, observed)));
  return changes.includes(true);
}

async function hasChanged(kube: Kube, { job, pods, gone }: ObservedJob): Promise<boolean> {
  const { uid, name, namespace, resourceVersion } = job.metadata;
  const found = await kube.get("jobs", { namespace, name });
  if (gone ? found?.metadata.uid === uid : found?.metadata.resourceVersion !== resourceVersion) return true;
  const current = await Promise.all(
    pods.map((pod) => kube.get("pods", { namespace, name: pod.metadata.name })),
  );
  return pods.some((pod, at) => current[at]?.metadata.resourceVersion !== pod.metadata.resourceVersion);
}
