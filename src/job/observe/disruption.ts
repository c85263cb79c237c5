// Disruption: a pod that the cluster stopped, by its DisruptionTarget condition (Kubernetes 1.26 and later) or its reason.

import type { Pod } from "../../kube/client/objects.ts";
import type { Problem } from "./problem.ts";
import { oneLine } from "./problem.ts";

/** Why the cluster stopped the pod; undefined if it did not. */
export function disruptionProblem(pod: Pod): Problem | undefined {
  const at = { pod: pod.metadata.name };
  const node = pod.spec.nodeName === undefined ? "" : ` on node ${pod.spec.nodeName}`;
  const target = (pod.status.conditions ?? []).find(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );
  const reason = pod.status.reason ?? "";
  const details = oneLine(pod.status.message ?? target?.message ?? "");
  const suffix = details === "" ? "" : `: ${details}`;
  if (STOPPED.test(reason)) {
    return {
      reason: "Disrupted",
      message: `pod '${pod.metadata.name}'${node} was stopped by the cluster (${reason})${suffix}`,
      ...at,
    };
  }
  if (reason === "Evicted" || target?.reason === "TerminationByKubelet") {
    return {
      reason: "Evicted",
      message: `pod '${pod.metadata.name}'${node} was evicted${suffix}`,
      hint: "request as much memory and ephemeral storage as the flow uses",
      ...at,
    };
  }
  if (
    reason === "NodeLost" ||
    target?.reason === "DeletionByPodGC" ||
    target?.reason === "DeletionByTaintManager"
  ) {
    return {
      reason: "NodeLost",
      message: `pod '${pod.metadata.name}'${node} was lost with its node${suffix}`,
      ...at,
    };
  }
  if (target !== undefined) {
    const cause = DISRUPTIONS[target.reason ?? ""] ?? `disrupted (${target.reason ?? "no reason given"})`;
    return { reason: "Disrupted", message: `pod '${pod.metadata.name}'${node} was ${cause}${suffix}`, ...at };
  }
  return undefined;
}

/** The kubelet's reasons for stopping or rejecting a pod through no fault of the pod. */
const STOPPED =
  /^(?:Preempting|Shutdown|Terminated|NodeShutdown|NodeAffinity|OutOf\w+|UnexpectedAdmissionError)$/;

const DISRUPTIONS: Readonly<Record<string, string>> = {
  PreemptionByScheduler: "preempted by a pod of higher priority",
  EvictionByEvictionAPI: "drained from its node",
};
