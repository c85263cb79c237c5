// Why a pod does not start, beside its containers: it cannot be created, nobody schedules it, its node says nothing, or its
// volumes or sandbox fail, by its conditions, its events and those of its Job.

import type { ContainerStatus, KubeEvent, Pod } from "../../kube/client/objects.ts";
import { newestFirst, timeOf } from "./events.ts";
import { containerStatuses } from "./flow-container.ts";
import { conditionOf } from "./observed.ts";
import { because, oneLine, type Obstacle, type Patience, type ProblemReason } from "./problem.ts";

interface EventReason {
  readonly reasons: readonly string[];
  readonly pattern?: RegExp;
  readonly problem: ProblemReason;
  readonly text: string;
  readonly hint?: string;
  readonly patience: Patience;
  /** Events after which this is over, if not only those that follow the sandbox. */
  readonly endedBy?: readonly string[];
  /** It is about an init container that runs; others are over when any container runs: volumes and sandbox are there. */
  readonly ofInit?: boolean;
  /** The kubelet tells it again and again, and nothing tells its end: it is over when that stops. */
  readonly isRepeated?: boolean;
}

/** The Job controller's event when it cannot create a pod. It carries neither code nor details: words decide. */
const NO_POD = { reasons: ["FailedCreate"], problem: "NoPod", text: "no pod can be created" } as const;
const AFTER_SANDBOX = ["Pulling", "Pulled", "Created", "Started"];
/** Each event ends only what lies before it in the life of a pod. */
const AFTER_VOLUMES = ["SuccessfulMountVolume", ...AFTER_SANDBOX];
const OF_NODE = {
  problem: "Sandbox",
  text: "cannot be started by its node",
  hint: "look at the node and its container runtime",
  patience: "passing",
} as const;

/**
 * The first that fits decides; a pod that cannot be created for another reason passes, as when a webhook cannot be called.
 * Sources in kubernetes/kubernetes: staging/src/k8s.io/apiserver/pkg/admission (quota, webhooks, errors.go),
 * plugin/pkg/admission/serviceaccount and limitranger (also their own failures to read), pkg/apis/core/validation ("is
 * invalid:"), plugin/pkg/admission/namespace/lifecycle (terminating); pkg/kubelet/events/event.go (the reasons),
 * pkg/volume/secret and configmap (missing objects), pkg/controller/volume/attachdetach (attaching),
 * pkg/kubelet/kuberuntime/kuberuntime_manager.go (sandboxes; the words of the CNI plugin follow), pkg/kubelet/kubelet.go (the
 * network, cgroups, folders), pkg/kubelet/cm/dra (devices); openshift/apiserver-library-go (caches),
 * plugin/pkg/admission/imagepolicy (its webhook's errors).
 */
const EVENT_REASONS: readonly EventReason[] = [
  {
    ...NO_POD,
    pattern: /exceeded quota|status unknown for quota/i,
    problem: "Quota",
    hint: "wait for other pods to finish, or ask for a larger quota",
    patience: "pending",
  },
  {
    ...NO_POD,
    pattern:
      /not yet ready to handle request|caches? (?:is )?not synchronized|cache is missing|is forbidden: (?:error looking up service account \S+: )?(?:(?:Post|Get|context|Timeout:|etcdserver:|Internal error occurred:|the server) |Error contacting webhook|unable to create pods at this time)/i,
    hint: "the API server, or what it asks, has just started or does not answer",
    patience: "passing",
  },
  {
    ...NO_POD,
    pattern:
      /serviceaccounts? "?[^"]*"? not found|service account .* not found|error looking up service account/i,
    problem: "ServiceAccount",
    hint: "create the ServiceAccount, or correct service_account_name in the run config",
    patience: "start",
  },
  {
    ...NO_POD,
    pattern: /because it is being terminated/i,
    hint: "the namespace is being deleted",
    patience: "passing",
  },
  {
    ...NO_POD,
    pattern: /denied (?:the )?request|is forbidden:|is invalid:/i,
    problem: "Admission",
    text: "the cluster rejects the pod",
    hint: "change the job template so that the cluster's policies accept it",
    patience: "none",
  },
  { ...NO_POD, patience: "passing" },
  {
    reasons: ["FailedMount"],
    pattern: /(?:secret|configmap)s? "[^"]*" not found|references non-existent (?:secret|config) key/i,
    problem: "Config",
    text: "cannot mount a volume",
    hint: "create the missing Secret, ConfigMap or key",
    patience: "start",
    endedBy: AFTER_VOLUMES,
    isRepeated: true,
  },
  {
    reasons: ["FailedMount", "FailedAttachVolume", "FailedMapVolume"],
    problem: "Volume",
    text: "is waiting for a volume",
    patience: "pending",
    endedBy: AFTER_VOLUMES,
  },
  {
    reasons: ["FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady"],
    problem: "Sandbox",
    text: "has no sandbox yet",
    hint: "look at the node's network plugin and container runtime",
    patience: "passing",
  },
  { ...OF_NODE, reasons: ["FailedCreatePodContainer"] },
  // A busy node says it once, also while it pulls.
  { ...OF_NODE, reasons: ["FailedSync"], patience: "pending" },
  { ...OF_NODE, reasons: ["Failed"], pattern: /^error making pod data directories/ },
  {
    reasons: ["FailedPrepareDynamicResources"],
    problem: "Volume",
    text: "is waiting for its devices",
    patience: "pending",
  },
  {
    reasons: ["Unhealthy"],
    pattern: /^Startup probe failed/,
    problem: "NotStarted",
    text: "is waiting for a sidecar to get ready",
    patience: "pending",
    ofInit: true,
  },
];

/** Why the pod does not start; undefined: nothing is in its way, as far as is known. */
export function podObstacle(pod: Pod, events: readonly KubeEvent[]): Obstacle | undefined {
  return notScheduled(pod, events) ?? eventObstacle(events, pod) ?? heldBack(pod) ?? silentNode(pod, events);
}

/** The scheduler's words; without any the name of the scheduler, which may not exist. Some have them in events alone (EKS Fargate). */
function notScheduled(pod: Pod, events: readonly KubeEvent[]): Obstacle | undefined {
  const { name } = pod.metadata;
  const at = { reason: "Unschedulable", pod: name, patience: "pending" } as const;
  const scheduled = (pod.status.conditions ?? []).find(({ type }) => type === "PodScheduled");
  if (pod.spec.nodeName !== undefined || scheduled?.status === "True") return undefined;
  if (scheduled === undefined) {
    const told = newestFirst(events).find(({ reason }) => reason === "FailedScheduling")?.message;
    if (told !== undefined) return { ...at, message: `pod '${name}' cannot be scheduled: ${oneLine(told)}` };
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
    const { problem: reason, endedBy = AFTER_SANDBOX, patience, hint } = row;
    // Of two in one second, the later in the life of a pod is the later one.
    const isEnd = (other: KubeEvent): boolean =>
      timeOf(other) >= timeOf(event) && endedBy.includes(other.reason ?? "");
    if (newest.some(isEnd)) continue;
    if (pod !== undefined && !mayCount(row, pod)) continue;
    if (isSummary(event) && newest.slice(at + 1).some((other) => isCauseOf(other, event))) continue;
    const message = `${start}${row.text}: ${oneLine(event.message ?? "")}`;
    if (row.isRepeated !== true) return { reason, message, hint, pod: name, patience };
    const told = { first: new Date(event.firstTimestamp ?? timeOf(event)), last: new Date(timeOf(event)) };
    const otherwise = eventObstacle(
      newest.filter((other) => other.reason !== event.reason),
      pod,
    );
    return { reason, message, hint, pod: name, patience, told, otherwise };
  }
  return undefined;
}

/** Every two minutes the kubelet sums up what it waits for. */
function isSummary({ reason, message = "" }: KubeEvent): boolean {
  return reason === "FailedMount" && message.startsWith("Unable to attach or mount volumes: ");
}

/** The kubelet tries to mount again at least every 122 s (pkg/util/goroutinemap/exponentialbackoff). */
function isCauseOf(other: KubeEvent, summary: KubeEvent): boolean {
  return other.reason === "FailedMount" && !isSummary(other) && timeOf(summary) - timeOf(other) <= 130_000;
}

function mayCount({ ofInit = false }: EventReason, pod: Pod): boolean {
  return ofInit ? hasRunning(pod.status.initContainerStatuses) : !hasRunning(containerStatuses(pod));
}

function hasRunning(statuses: readonly ContainerStatus[] = []): boolean {
  return statuses.some(({ state }) => state?.running !== undefined);
}

/** The kubelet gives a pending pod a reason only if it does not start it (kubelets before 1.27, AppArmor; virtual kubelets). */
function heldBack({ metadata: { name }, status: { phase, reason, message } }: Pod): Obstacle | undefined {
  if (phase !== "Pending" || reason === undefined) return undefined;
  const text = `pod '${name}' is not started by its node: ${because(reason, message)}`;
  return { reason: "Node", message: text, pod: name, patience: "pending" };
}

/** Bound to a node, and neither a status nor an event of the kubelet. */
function silentNode(pod: Pod, events: readonly KubeEvent[]): Obstacle | undefined {
  const { nodeName, containers } = pod.spec;
  if (nodeName === undefined || containers === undefined || pod.status.phase !== "Pending") return undefined;
  const isKnown = (pod.status.containerStatuses ?? pod.status.initContainerStatuses ?? []).length > 0;
  const isBinding = (event: KubeEvent): boolean => event.reason === "Scheduled";
  const since = conditionOf(pod.status, "PodScheduled")?.lastTransitionTime ?? "";
  const bindings = [...events.filter(isBinding).map(timeOf), Date.parse(since) || 0];
  // Schedulers and autoscalers write of the pod until it is bound. The kubelet's events have whole seconds.
  const boundAt = Math.floor(Math.max(...bindings) / 1_000) * 1_000;
  if (isKnown || events.some((event) => !isBinding(event) && timeOf(event) >= boundAt)) return undefined;
  const { name } = pod.metadata;
  const message = `pod '${name}' is assigned to node ${nodeName}, which reports nothing of it`;
  const hint = `look at the node with: kubectl describe node ${nodeName}`;
  return { reason: "Node", message, hint, pod: name, patience: "pending" };
}
