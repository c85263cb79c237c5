// Why a pod does not start, beside its containers: it cannot be created, nobody schedules it, its node says nothing, or its
// volumes or sandbox fail, by its conditions, its events and those of its Job.

import { lastSeenAt, type KubeEvent, type Pod } from "../../kube/client/objects.ts";
import { oneLine, type Obstacle, type Patience, type ProblemReason } from "./problem.ts";

interface EventReason {
  readonly reasons: readonly string[];
  readonly pattern?: RegExp;
  readonly problem: ProblemReason;
  readonly text: string;
  readonly hint?: string;
  readonly patience: Patience;
  /** Events after which this is over; each ends only what lies before it in the life of a pod. */
  readonly endedBy?: readonly string[];
}

/** The Job controller's event when it cannot create a pod. It carries neither code nor details: words decide. */
const REFUSED = ["FailedCreate"];
const AFTER_SANDBOX = ["Pulling", "Pulled", "Created", "Started"];

/**
 * The first that fits decides; a pod that cannot be created for another reason passes, as when a webhook cannot be called.
 * Sources in kubernetes/kubernetes: staging/src/k8s.io/apiserver/pkg/admission (quota, webhooks, errors.go),
 * plugin/pkg/admission/serviceaccount, pkg/apis/core/validation ("is invalid:"), plugin/pkg/admission/namespace/lifecycle
 * (terminating); pkg/kubelet/events/event.go (the reasons), pkg/volume/secret and configmap (missing
 * objects), pkg/controller/volume/attachdetach (attaching), pkg/kubelet/kuberuntime/kuberuntime_manager.go (sandboxes; the
 * words of the CNI plugin follow), pkg/kubelet/kubelet.go (the network).
 */
const EVENT_REASONS: readonly EventReason[] = [
  {
    reasons: REFUSED,
    pattern: /exceeded quota|status unknown for quota/i,
    problem: "Quota",
    text: "no pod can be created",
    hint: "wait for other pods to finish, or ask for a larger quota",
    patience: "pending",
  },
  {
    reasons: REFUSED,
    pattern:
      /serviceaccounts? "?[^"]*"? not found|service account .* not found|error looking up service account/i,
    problem: "ServiceAccount",
    text: "no pod can be created",
    hint: "create the ServiceAccount, or correct service_account_name in the run config",
    patience: "start",
  },
  {
    reasons: REFUSED,
    pattern: /because it is being terminated/i,
    problem: "NoPod",
    text: "no pod can be created",
    hint: "the namespace is being deleted",
    patience: "passing",
  },
  {
    reasons: REFUSED,
    pattern: /not yet ready to handle request/i,
    problem: "NoPod",
    text: "no pod can be created",
    hint: "the API server has just started",
    patience: "passing",
  },
  {
    reasons: REFUSED,
    pattern: /denied (?:the )?request|is forbidden:|is invalid:/i,
    problem: "Admission",
    text: "the cluster rejects the pod",
    hint: "change the job template so that the cluster's policies accept it",
    patience: "none",
  },
  { reasons: REFUSED, problem: "NoPod", text: "no pod can be created", patience: "passing" },
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
  return notScheduled(pod) ?? eventObstacle(events, pod) ?? silentNode(pod, events);
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

/** What the events tell of this pod; undefined: of none, since the Job cannot create one. */
export function eventObstacle(events: readonly KubeEvent[], pod?: Pod): Obstacle | undefined {
  const name = pod?.metadata.name;
  const start = name === undefined ? "" : `pod '${name}' `;
  const newest = newestFirst(events);
  for (const [at, event] of newest.entries()) {
    const row = EVENT_REASONS.find(
      ({ reasons, pattern }) =>
        reasons.includes(event.reason ?? "") && pattern?.test(event.message ?? "") !== false,
    );
    if (row === undefined) continue;
    if (newest.slice(0, at).some(({ reason = "" }) => row.endedBy?.includes(reason))) continue;
    const message = `${start}${row.text}: ${oneLine(event.message ?? "")}`;
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

function newestFirst(events: readonly KubeEvent[]): KubeEvent[] {
  return events.toSorted((a, b) => (lastSeenAt(b)?.getTime() ?? 0) - (lastSeenAt(a)?.getTime() ?? 0));
}
