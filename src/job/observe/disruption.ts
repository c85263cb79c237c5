// Disruption: a pod that the cluster stopped or did not take, by its DisruptionTarget condition (Kubernetes 1.26 and later),
// its reason, or how its container ended.

import type { ContainerStatus, Pod } from "../../kube/client/objects.ts";
import { flowStatus, lastEnd } from "./flow-container.ts";
import { replacesDisrupted } from "./kubernetes-retries.ts";
import { conditionOf, isDeleted, type ObservedJob } from "./observed.ts";
import { flowStarted, hasEnded, isOverOwnStorage } from "./pod-termination.ts";
import { because, oneLine, type Problem, type ProblemReason } from "./problem.ts";

interface Disruption {
  /** Of the pod's status. */
  readonly reasons?: RegExp;
  /** Of the DisruptionTarget condition. */
  readonly conditions?: readonly string[];
  /** Of the flow's terminated container. */
  readonly ends?: readonly string[];
  /** Undefined: Disrupted. */
  readonly problem?: ProblemReason;
  readonly text: string;
  readonly hint?: string;
}

/**
 * Sources in kubernetes/kubernetes: pkg/kubelet/eviction (Evicted), pkg/kubelet/lifecycle/predicate.go and
 * pkg/kubelet/cm/admission (refusals of a pod: OutOf…, affinity, topology, devices), pkg/kubelet/preemption (Preempting),
 * pkg/kubelet/nodeshutdown (Terminated, NodeShutdown, Shutdown), pkg/controller/podgc and pkg/controller/tainteviction
 * (conditions), pkg/util/node (NodeLost), pkg/kubelet/kubelet_pods.go (ContainerStatusUnknown). Virtual kubelets, such as Azure's
 * container instances: virtual-kubelet/virtual-kubelet node/pod.go (ProviderFailed) and node/sync.go (NotFound).
 */
const DISRUPTIONS: readonly Disruption[] = [
  {
    reasons:
      /^(?:OutOf.+|NodeAffinity|NodeName|NodePorts|NodeUnschedulable|MatchNodeSelector|TaintToleration|HostName|TopologyAffinityError|SMTAlignmentError|UnexpectedAdmissionError|UnexpectedPredicateFailureType|InvalidNodeInfo|VolumeAttachmentLimitExceeded|PodFeatureUnsupported|ProviderFailed)$/,
    text: "was not taken by its node",
  },
  {
    reasons: /^(?:Preempting|Shutdown|Terminated|NodeShutdown)$/,
    text: "was stopped by the cluster",
  },
  {
    reasons: /^NodeLost$/,
    conditions: ["DeletionByPodGC", "DeletionByTaintManager"],
    problem: "NodeLost",
    text: "was lost with its node",
  },
  { reasons: /^NotFound$/, problem: "NodeLost", text: "is no longer known to its node" },
  {
    reasons: /^Evicted$/,
    conditions: ["TerminationByKubelet"],
    problem: "Evicted",
    text: "was evicted",
    hint: "request as much memory and ephemeral storage as the flow uses",
  },
  {
    conditions: ["PreemptionByScheduler"],
    text: "was preempted by a pod of higher priority",
  },
  { conditions: ["EvictionByEvictionAPI"], text: "was drained from its node" },
  {
    // Of the kubelet; of containerd, for a container that ran when the node went down (internal/cri/server/restart.go).
    ends: ["ContainerStatusUnknown", "Unknown"],
    problem: "NodeLost",
    text: "was lost when its node restarted: how its container ended is not known",
  },
];

/** Why the cluster stopped the pod, or did not take it; undefined: it did neither. */
export function disruptionProblem(pod: Pod): Problem | undefined {
  const { name } = pod.metadata;
  const { reason = "", message } = pod.status;
  const target = conditionOf(pod.status, "DisruptionTarget");
  if (target === undefined && isOverOwnStorage(pod)) return undefined;
  const status = endedStatus(pod);
  const end = lastEnd(status);
  // The kubelet gives this end also to what it has stopped itself, or never started.
  const isByItself = reason === "" && pod.metadata.deletionTimestamp === undefined;
  const row = DISRUPTIONS.find(
    ({ reasons, conditions: targets = [], ends = [] }) =>
      (reason !== "" && reasons?.test(reason) === true) ||
      (target !== undefined && targets.includes(target.reason ?? "")) ||
      (isByItself && ends.includes(end?.reason ?? "")),
  );
  if (row === undefined && target === undefined) return undefined;
  const text = row?.text ?? `was disrupted (${target?.reason ?? "no reason given"})`;
  const details =
    row?.reasons !== undefined && reason !== ""
      ? because(reason, message)
      : oneLine(message ?? target?.message ?? "");
  return {
    reason: row?.problem ?? "Disrupted",
    message: `pod '${name}'${nodeOf(pod)} ${text}${details === "" ? "" : `: ${details}`}`,
    hint: row?.hint,
    pod: name,
    container: end === undefined ? undefined : status?.name,
  };
}

/** The flow's container; before it has started, an init container that has ended with an error. */
function endedStatus(pod: Pod): ContainerStatus | undefined {
  if (flowStarted(pod)) return flowStatus(pod);
  const inits = pod.status.initContainerStatuses ?? [];
  return inits.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0) ?? flowStatus(pod);
}

/** How long after its grace period a pod may take to end; then its kubelet does not answer. */
const UNENDED_MS = 30_000;
/** How long a node may be unreachable: as long as Kubernetes itself waits before it takes the pods away. */
const UNREACHABLE_MS = 300_000;

/** What is known of a pod that may be lost with its node. */
export interface Loss {
  readonly problem: Problem;
  /** When it counts as lost; undefined: never, since Kubernetes replaces it when its node is gone. */
  readonly lostAt: Date | undefined;
}

/** The loss of a pod that is to end, or whose node is unreachable; undefined: neither. */
export function lossOf(pod: Pod, observed: ObservedJob): Loss | undefined {
  const { job, unreachable } = observed;
  const { name, deletionTimestamp } = pod.metadata;
  const { nodeName } = pod.spec;
  const loss = (why: string, lostMs: number): Loss => {
    const message = `pod '${name}'${nodeOf(pod)} ${why}`;
    const hint = `look at the node with: kubectl describe node ${nodeName ?? ""}`.trim();
    const isReplaced = !isDeleted(observed) && replacesDisrupted(job, pod);
    const lostAt = isReplaced ? undefined : new Date(lostMs);
    return { problem: { reason: "NodeLost", message, hint, pod: name }, lostAt };
  };
  if (deletionTimestamp !== undefined) {
    const why = "was deleted and has not ended: its node does not answer";
    return loss(why, Date.parse(deletionTimestamp) + UNENDED_MS);
  }
  const since = unreachable?.get(nodeName ?? "");
  if (since === undefined) return undefined;
  const why = `is lost: its node has been unreachable since ${since.toISOString()}`;
  return loss(why, since.getTime() + UNREACHABLE_MS);
}

/** The pods that have not ended, and do not count as lost by now. */
export function workingPods(observed: ObservedJob, now: Date): readonly Pod[] {
  return observed.pods.filter((pod) => {
    const lostAt = lossOf(pod, observed)?.lostAt;
    return !hasEnded(pod) && !(lostAt !== undefined && lostAt <= now);
  });
}

function nodeOf({ spec }: Pod): string {
  return spec.nodeName === undefined ? "" : ` on node ${spec.nodeName}`;
}
