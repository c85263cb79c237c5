// Why a container waits, if that is a problem: the kubelet's reasons and messages.

import type { ContainerStatus, KubeEvent, Pod } from "../../kube/client/objects.ts";
import { lastEnd, specOf } from "./flow-container.ts";
import { imagePatience } from "./image-message.ts";
import { pullFailure, pullSinceFailure } from "./image-events.ts";
import { isCrashing } from "./pod-termination.ts";
import { because, type Obstacle, type Patience, type ProblemReason } from "./problem.ts";
import { describeTermination } from "./termination.ts";

interface WaitingReason {
  readonly reasons: readonly string[];
  readonly problem: ProblemReason;
  /** `image "x" of container 'y' cannot be pulled`: the verb. */
  readonly text: string;
  readonly hint?: string;
  readonly patience: (message: string, image: string, reason: string) => Patience | undefined;
}

/**
 * What creating a container fails with for a while: the runtime still holds an earlier try (containerd
 * internal/cri/store: "is reserved for"; containers/storage: "is already in use by"), it is overloaded (gRPC's deadline) or
 * restarts (gRPC's Unavailable, ttrpc, Docker's "Is the docker daemon running?"; k3s-io/k3s#1589: "no running task found"), the
 * node has no room or memory left, or lost a file system (the errors of Linux), or the kubelet has just started and has not
 * read Secrets, ConfigMaps or Services yet, or cannot (kubelet_pods.go, util/manager; plugin/pkg/auth/authorizer/node), the image
 * was removed after its pull and is pulled again (kubernetes#123631; containerd container_create.go), or the devices of a node
 * are not set up yet (NVIDIA/gpu-operator#531).
 */
const PASSING_CREATION =
  /\bis reserved\b|\bis already in use\b|code = Unavailable|ttrpc: closed|Is the docker daemon running|\.sock: connect: no such file|context deadline exceeded|DeadlineExceeded|\bfailed to sync (?:secret|configmap) cache\b|\bservices have not yet been read\b|transport is closing|connection refused|connection reset|resource temporarily unavailable|\btimed out\b|no running task found|no space left on device|cannot allocate memory|too many open files|input\/output error|transport endpoint is not connected|stale (?:NFS )?file handle|\bi\/o timeout\b|TLS handshake timeout|no route to host|network is unreachable|\betcdserver: |unexpected EOF|object \S+ not registered|no relationship found between node|failed to (?:get image from containerd|resolve image)\b|unresolvable CDI devices/i;

const creation = (message: string): Patience => (PASSING_CREATION.test(message) ? "passing" : "start");

/**
 * Sources in kubernetes/kubernetes: pkg/kubelet/images/types.go and staging/src/k8s.io/cri-api/pkg/errors (images),
 * pkg/kubelet/kuberuntime/kuberuntime_container.go (configuration, creation, hooks), pkg/kubelet/container/sync_result.go
 * (running, sandboxes).
 */
const WAITING_REASONS: readonly WaitingReason[] = [
  {
    reasons: ["InvalidImageName"],
    problem: "InvalidImageName",
    text: "is no valid image name",
    hint: "correct the image in the run config or storage",
    patience: () => "none",
  },
  {
    reasons: [
      "ErrImagePull",
      "ImagePullBackOff",
      "ErrImageNeverPull",
      "RegistryUnavailable",
      "ImageInspectError",
      "SignatureValidationFailed",
    ],
    problem: "ImagePull",
    text: "cannot be pulled",
    hint: "check the image's name and tag, and image_pull_secrets for a private registry",
    patience: (message, image, reason) =>
      reason === "ErrImageNeverPull" ? "start" : imagePatience(message, image),
  },
  {
    reasons: ["CreateContainerConfigError"],
    problem: "Config",
    text: "cannot be configured",
    hint: "create the missing Secret, ConfigMap or key, or correct the security context",
    patience: creation,
  },
  {
    reasons: [
      "CreateContainerError",
      "RunContainerError",
      "PreCreateHookError",
      "PreStartHookError",
      "PostStartHookError",
      "CreatePodSandboxError",
      "ConfigPodSandboxError",
    ],
    problem: "CreateContainer",
    text: "cannot be created",
    hint: "check command, mounts and security context in the job template",
    patience: creation,
  },
];

const UNKNOWN: WaitingReason = {
  reasons: [],
  problem: "NotStarted",
  text: "is waiting",
  patience: () => "pending",
};
const STARTING = new Set(["", "ContainerCreating", "PodInitializing"]);

/** Newer kubelets have what keeps them from a pull as the reason, in Go's words (images/image_manager.go, EnsureImageExists). */
function rowOf(reason: string, message: string): WaitingReason | undefined {
  const row = WAITING_REASONS.find(({ reasons }) => reasons.includes(reason));
  if (row !== undefined || message === "" || STARTING.has(reason)) return row;
  const isError = reason === message && /\s/.test(reason);
  return isError ? WAITING_REASONS.find(({ problem }) => problem === "ImagePull") : UNKNOWN;
}

/** Why a container is waiting or crashing, if that is a problem. `events`: the pod's; the kubelet tells a cause only once. */
export function waitingProblem(
  pod: Pod,
  status: ContainerStatus,
  events: readonly KubeEvent[],
): Obstacle | undefined {
  const spec = specOf(pod, status);
  const { reason = "", message = "" } = status.state?.waiting ?? {};
  if (reason === "CrashLoopBackOff" || isCrashing(pod, status)) return crashProblem(pod, status);
  const row = rowOf(reason, message);
  if (row === undefined) return undefined;
  const image = spec?.image ?? status.image ?? "";
  const isImage = row.problem === "ImagePull" || row.problem === "InvalidImageName";
  const what = isImage ? `image "${image}" of container '${status.name}'` : `container '${status.name}'`;
  const cause = pullFailure(image, events);
  const repeated = row.patience(message, image, reason);
  const retry = row.problem === "ImagePull" ? pullSinceFailure(image, events) : undefined;
  if (retry === "pulled") return undefined;
  const told = repeated === undefined && cause !== "" ? cause : message;
  return {
    reason: row.problem,
    message: `${what} ${row.text} (${because(reason === told ? "" : reason, told)})`,
    hint: row.hint,
    pod: pod.metadata.name,
    container: status.name,
    patience: repeated ?? row.patience(cause, image, reason),
    ...(retry !== undefined && { retriedSince: retry }),
  };
}

function crashProblem(pod: Pod, status: ContainerStatus): Obstacle {
  const last = lastEnd(status);
  const cause = last === undefined ? "no reason given" : describeTermination(last, specOf(pod, status));
  return {
    reason: "CrashLoop",
    message: `container '${status.name}' keeps crashing (restarted ${status.restartCount ?? 0} times, last: ${cause})`,
    hint: "read its log with: kubectl prefect logs RUN --previous",
    pod: pod.metadata.name,
    container: status.name,
    hasRestarted: true,
    patience: "start",
  };
}
