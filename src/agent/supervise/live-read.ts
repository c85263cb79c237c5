// supervise: a look at the cluster itself before a Job is acted on that is not over by its own account: a watch can be
// behind, and a controller that believed it has killed healthy Jobs elsewhere (buildkite/agent-stack-k8s#926).

import type { KubeApi } from "../../kube/client/api.ts";
import type { ObservedRun, ObservedJob } from "../../job/observe/observed.ts";
import { isOver } from "../../job/observe/phase.ts";
import type { Decision } from "../../job/decide/decide.ts";

type Kube = Pick<KubeApi, "get">;

/** Whether the cluster has moved on from what the decision was made of. Asks only if the decision takes something away. */
export async function isCacheStale(kube: Kube, { jobs }: ObservedRun, decision: Decision): Promise<boolean> {
  const isLoss = decision.transition?.kind === "fail" || decision.transition?.kind === "reschedule";
  if (!isLoss && !decision.deletions.some(({ isActive: active }) => active)) return false;
  const open = jobs.filter(({ job }) => !isOver(job));
  const answers = await Promise.all(open.map((print) => hasMoved(kube, print)));
  return answers.includes(true);
}

async function hasMoved(kube: Kube, { job, pods, gone }: ObservedJob): Promise<boolean> {
  const { uid, name, namespace } = job.metadata;
  const found = await kube.get("jobs", { namespace, name });
  if (gone) return found?.metadata.uid === uid;
  if (found?.metadata.resourceVersion !== job.metadata.resourceVersion) return true;
  const fresh = await Promise.all(
    pods.map((pod) => kube.get("pods", { namespace, name: pod.metadata.name })),
  );
  return pods.some((pod, at) => fresh[at]?.metadata.resourceVersion !== pod.metadata.resourceVersion);
}
