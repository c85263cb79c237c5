// Disruption: a pod taken away by the cluster, read from its DisruptionTarget condition (1.26 and later) or its reason.

import type { Pod } from "../../kube/client/objects.ts";
import type { Problem } from "./problem.ts";
import { oneLine } from "./problem.ts";

/** Why a pod was taken away by the cluster, not by its own program. */
export function disruptionProblem(pod: Pod): Problem | undefined {
  const at = { pod: pod.metadata.name };
  const node = pod.spec.nodeName === undefined ? "" : ` on node ${pod.spec.nodeName}`;
  const target = (pod.status.conditions ?? []).find(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );
  const reason = pod.status.reason ?? "";
  const words = oneLine(pod.status.message ?? target?.message ?? "");
  const tail = words === "" ? "" : `: ${words}`;
  if (STOPPED.test(reason)) {
    return {
      reason: "Disrupted",
      message: `pod '${pod.metadata.name}'${node} was stopped by the cluster (${reason})${tail}`,
      ...at,
    };
  }
  if (reason === "Evicted" || target?.reason === "TerminationByKubelet") {
    return {
      reason: "Evicted",
      message: `pod '${pod.metadata.name}'${node} was evicted${tail}`,
      hint: "request the memory and disk that the flow really uses",
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
      message: `pod '${pod.metadata.name}'${node} was lost with its node${tail}`,
      ...at,
    };
  }
  if (target !== undefined) {
    const why = DISRUPTIONS[target.reason ?? ""] ?? `disrupted (${target.reason ?? "no reason given"})`;
    return { reason: "Disrupted", message: `pod '${pod.metadata.name}'${node} was ${why}${tail}`, ...at };
  }
  return undefined;
}

/** The kubelet's reasons for stopping, or not taking, a pod that did nothing wrong. */
const STOPPED =
  /^(?:Preempting|Shutdown|Terminated|NodeShutdown|NodeAffinity|OutOf\w+|UnexpectedAdmissionError)$/;

const DISRUPTIONS: Readonly<Record<string, string>> = {
  PreemptionByScheduler: "preempted by a pod of higher priority",
  EvictionByEvictionAPI: "drained from its node",
};
