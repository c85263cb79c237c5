// Why a pod does not start, beside its containers: nobody schedules it, its node says nothing, or its volumes or sandbox fail,
// by its conditions and events.

import { lastSeenAt } from "../../kube/client/objects.ts";
import type { KubeEvent, Pod } from "../../kube/client/objects.ts";
import type { Obstacle, Patience, ProblemReason } from "./problem.ts";
import { oneLine } from "./problem.ts";

interface EventReason {
  readonly reasons: readonly string[];
  readonly pattern?: RegExp;
  readonly problem: ProblemReason;
  readonly text: string;
  readonly hint?: string;
  readonly patience: Patience;
  /** Events after which this is over; each ends only what lies before it in the life of a pod. */
  readonly endedBy: readonly string[];
}

const AFTER_SANDBOX = ["Pulling", "Pulled", "Created", "Started"];

/**
 * Sources in kubernetes/kubernetes: pkg/kubelet/events/event.go (the reasons), pkg/volume/secret and configmap (missing
 * objects), pkg/controller/volume/attachdetach (attaching), pkg/kubelet/kuberuntime/kuberuntime_manager.go (sandboxes; the
 * words of the CNI plugin follow), pkg/kubelet/kubelet.go (the network).
 */
const EVENT_REASONS: readonly EventReason[] = [
  {
    reasons: ["FailedMount"],
    pattern: /(?:secret|configmap)s? "[^"]*" not found|references non-existent (?:secret|config) key/i,
    problem: "Config",
    text: "cannot mount a volume",
    hint: "create the missing Secret, ConfigMap or key",
    patience: "start",
    endedBy: ["SuccessfulMountVolume", ...AFTER_SANDBOX],
  },
  {
    reasons: ["FailedMount", "FailedAttachVolume", "FailedMapVolume"],
    problem: "Volume",
    text: "is waiting for a volume",
    patience: "pending",
    endedBy: ["SuccessfulMountVolume", ...AFTER_SANDBOX],
  },
  {
    reasons: ["FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady"],
    problem: "Sandbox",
    text: "has no sandbox yet",
    hint: "look at the node's network plugin and container runtime",
    patience: "passing",
    endedBy: AFTER_SANDBOX,
  },
];

/** Why the pod does not start; undefined: nothing is in its way, as far as is known. */
export function podObstacle(pod: Pod, events: readonly KubeEvent[]): Obstacle | undefined {
  return notScheduled(pod) ?? eventObstacle(pod, events) ?? silentNode(pod, events);
}

/** The scheduler's words; without any the name of the scheduler, which may not exist. */
function notScheduled(pod: Pod): Obstacle | undefined {
  const { name } = pod.metadata;
  const at = { reason: "Unschedulable", pod: name, patience: "pending" } as const;
  const scheduled = (pod.status.conditions ?? []).find(({ type }) => type === "PodScheduled");
  if (pod.spec.nodeName !== undefined || scheduled?.status === "True") return undefined;
  if (scheduled === undefined) {
    const { schedulerName = "default-scheduler" } = pod.spec;
    const message = `pod '${name}' has not been looked at by its scheduler, '${schedulerName}'`;
    return { ...at, message, hint: "check schedulerName in the job template, and that the scheduler runs" };
  }
  if (scheduled.reason === "SchedulingGated") {
    return { ...at, message: `pod '${name}' is waiting for its scheduling gates` };
  }
  const message = `pod '${name}' cannot be scheduled: ${oneLine(scheduled.message ?? "no reason given")}`;
  return { ...at, message, hint: "request fewer resources, or add nodes to the cluster" };
}

function eventObstacle(pod: Pod, events: readonly KubeEvent[]): Obstacle | undefined {
  const { name } = pod.metadata;
  for (const [at, event] of newestFirst(events).entries()) {
    const row = EVENT_REASONS.find(
      ({ reasons, pattern }) =>
        reasons.includes(event.reason ?? "") && pattern?.test(event.message ?? "") !== false,
    );
    if (row === undefined) continue;
    const later = newestFirst(events).slice(0, at);
    if (later.some(({ reason = "" }) => row.endedBy.includes(reason))) continue;
    const message = `pod '${name}' ${row.text}: ${oneLine(event.message ?? "")}`;
    return { reason: row.problem, message, hint: row.hint, pod: name, patience: row.patience };
  }
  return undefined;
}

/** Bound to a node, and neither a status nor an event of the kubelet. */
function silentNode(pod: Pod, events: readonly KubeEvent[]): Obstacle | undefined {
  const { nodeName, containers } = pod.spec;
  if (nodeName === undefined || containers === undefined || pod.status.phase !== "Pending") return undefined;
  const isKnown = (pod.status.containerStatuses ?? pod.status.initContainerStatuses ?? []).length > 0;
  if (isKnown || events.some(({ reason }) => reason !== "Scheduled")) return undefined;
  const { name } = pod.metadata;
  const message = `pod '${name}' is assigned to node ${nodeName}, which reports nothing of it`;
  const hint = `look at the node with: kubectl describe node ${nodeName}`;
  return { reason: "Node", message, hint, pod: name, patience: "pending" };
}

/** What the kubelet last said of an image that it could not pull; "" if nothing. */
export function pullFailure(image: string, events: readonly KubeEvent[]): string {
  const start = `Failed to pull image "${image}": `;
  const failed = newestFirst(events).find(
    ({ reason, message }) => reason === "Failed" && message?.startsWith(start) === true,
  );
  return failed?.message?.slice(start.length) ?? "";
}

export function newestFirst(events: readonly KubeEvent[]): KubeEvent[] {
  return events.toSorted((a, b) => (lastSeenAt(b)?.getTime() ?? 0) - (lastSeenAt(a)?.getTime() ?? 0));
}
