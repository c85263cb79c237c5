// Problem: what is wrong with a pod or Job. Derived from the reasons of the kubelet (pkg/kubelet/images, kuberuntime,
// container), the scheduler and the Job controller; the texts are for the flow's owner.

import type { Container, ContainerStatus, KubeEvent, Pod, Terminated } from "../../kube/client/objects.ts";
import { lastSeenAt } from "../../kube/client/objects.ts";

export type ProblemReason =
  | "InvalidImageName"
  | "ImagePull"
  | "Config"
  | "CreateContainer"
  | "CrashLoop"
  | "ServiceAccount"
  | "Admission"
  | "Quota"
  | "Unschedulable"
  | "Volume"
  | "NoPod"
  | "ExitCode"
  | "Signal"
  | "OOMKilled"
  | "StartError"
  | "InitContainer"
  | "DeadlineExceeded"
  | "Evicted"
  | "Disrupted"
  | "NodeLost"
  | "PodDeleted"
  | "JobDeleted"
  | "Unknown";

export interface Problem {
  readonly reason: ProblemReason;
  /** What happened to which container or pod, in one line. */
  readonly message: string;
  /** One thing that the flow's owner can do. */
  readonly hint?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
}

const IMAGE_REASONS = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "RegistryUnavailable",
  "ImageInspectError",
  "SignatureValidationFailed",
]);
const CREATE_REASONS = new Set([
  "CreateContainerError",
  "RunContainerError",
  "PreCreateHookError",
  "PreStartHookError",
  "PostStartHookError",
  "CreatePodSandboxError",
]);

/** Why a container is waiting, if that is a problem. */
export function waitingProblem(
  status: ContainerStatus,
  spec: Container | undefined,
  pod: Pod,
): Problem | undefined {
  const { reason = "", message = "" } = status.state?.waiting ?? {};
  const at = { pod: pod.metadata.name, container: status.name };
  const image = spec?.image ?? status.image ?? "";
  const because = message === "" ? reason : `${reason}: ${oneLine(message)}`;
  if (reason === "InvalidImageName") {
    return {
      reason: "InvalidImageName",
      message: `image name "${image}" of container '${status.name}' is invalid (${because})`,
      hint: "correct the image in the run config or storage",
      ...at,
    };
  }
  if (IMAGE_REASONS.has(reason)) {
    return {
      reason: "ImagePull",
      message: `image "${image}" of container '${status.name}' cannot be pulled (${because})`,
      hint: "check the image's name and tag, and image_pull_secrets for a private registry",
      ...at,
    };
  }
  if (reason === "CreateContainerConfigError") {
    return {
      reason: "Config",
      message: `container '${status.name}' cannot be configured (${because})`,
      hint: "create the missing Secret, ConfigMap or key",
      ...at,
    };
  }
  if (CREATE_REASONS.has(reason)) {
    return {
      reason: "CreateContainer",
      message: `container '${status.name}' cannot be created (${because})`,
      hint: "check command, mounts and security context in the job template",
      ...at,
    };
  }
  if (reason === "CrashLoopBackOff") return crashProblem(status, spec, pod);
  return undefined;
}

/** The problem of a container in a crash loop. */
export function crashProblem(status: ContainerStatus, spec: Container | undefined, pod: Pod): Problem {
  const last = status.state?.terminated ?? status.lastState?.terminated;
  const cause = last === undefined ? "no reason given" : describeTermination(last, spec);
  return {
    reason: "CrashLoop",
    message: `container '${status.name}' keeps crashing (restarted ${status.restartCount ?? 0} times, last: ${cause})`,
    hint: "read its log with: kubectl prefect logs RUN --previous",
    pod: pod.metadata.name,
    container: status.name,
  };
}

/** Why a container failed; undefined if it exited with 0. */
export function terminationProblem(
  terminated: Terminated,
  spec: Container | undefined,
  where: { pod: string; container: string; init: boolean },
): Problem | undefined {
  if (terminated.exitCode === 0 && terminated.reason !== "OOMKilled") return undefined;
  const title = where.init ? `init container '${where.container}'` : `container '${where.container}'`;
  const at = { pod: where.pod, container: where.container };
  const code = where.init ? "InitContainer" : terminationReason(terminated);
  return {
    reason: code,
    message: `${title} ${describeTermination(terminated, spec)}`,
    hint: terminationHint(terminated),
    ...at,
  };
}

function terminationReason(terminated: Terminated): ProblemReason {
  if (terminated.reason === "OOMKilled") return "OOMKilled";
  if (terminated.reason === "StartError" || terminated.reason === "ContainerCannotRun") return "StartError";
  return signalOf(terminated) === undefined ? "ExitCode" : "Signal";
}

/** The exit code, the signal's name, the runtime's reason and the memory limit, as text. */
export function describeTermination(terminated: Terminated, spec: Container | undefined): string {
  const limit = spec?.resources?.limits?.["memory"];
  if (terminated.reason === "OOMKilled") {
    return `ran out of memory and was killed (OOMKilled, exit code ${terminated.exitCode}, limit ${limit ?? "none: the node ran out of memory"})`;
  }
  if (terminated.reason === "StartError" || terminated.reason === "ContainerCannotRun") {
    return `could not be started (${terminated.reason}: ${oneLine(terminated.message ?? "no reason given")})`;
  }
  const signal = signalOf(terminated);
  const message =
    terminated.message === undefined || terminated.message === "" ? "" : `: ${oneLine(terminated.message)}`;
  if (signal !== undefined)
    return `was killed by signal ${signal} (exit code ${terminated.exitCode})${message}`;
  return `exited with code ${terminated.exitCode}${message}`;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};

/** The signal that killed a container: reported by the runtime, or in an exit code of 128 + n. */
export function signalOf(terminated: Terminated): string | undefined {
  const number =
    terminated.signal !== undefined && terminated.signal > 0
      ? terminated.signal
      : terminated.exitCode > 128
        ? terminated.exitCode - 128
        : 0;
  if (number === 0 || number > 64) return undefined;
  return SIGNALS[number] ?? String(number);
}

function terminationHint(terminated: Terminated): string {
  if (terminated.reason === "OOMKilled") return "raise memory_limit in the run config, or use less memory";
  if (terminated.reason === "StartError" || terminated.reason === "ContainerCannotRun") {
    return "check that the command exists in the image";
  }
  if (terminated.exitCode === 127)
    return "a command was not found: check that prefect is installed in the image";
  if (terminated.exitCode === 137)
    return "it was killed with SIGKILL: check whether the node ran out of memory or the pod was deleted";
  if (terminated.exitCode === 143)
    return "it was stopped with SIGTERM: check who deleted the pod or drained its node";
  return "see the last lines of its log";
}

const PROGRESS = new Set(["Pulling", "Pulled", "Created", "Started"]);
const MISSING_OBJECT =
  /(?:secret|configmap)s? "[^"]*" not found|references non-existent (?:secret|config) key/i;

/** Why a pod does not start, from its conditions and its newest events. */
export function startProblem(pod: Pod, events: readonly KubeEvent[]): Problem | undefined {
  const at = { pod: pod.metadata.name };
  const scheduled = (pod.status.conditions ?? []).find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False" && scheduled.reason === "Unschedulable") {
    return {
      reason: "Unschedulable",
      message: `pod '${pod.metadata.name}' cannot be scheduled: ${oneLine(scheduled.message ?? "")}`,
      hint: "request fewer resources, or add nodes to the cluster",
      ...at,
    };
  }
  if (scheduled?.status === "False" && scheduled.reason === "SchedulingGated") {
    return {
      reason: "Unschedulable",
      message: `pod '${pod.metadata.name}' is waiting for its scheduling gates`,
      ...at,
    };
  }
  for (const event of newestFirst(events)) {
    // Volumes and sandbox come before images and containers: their older warnings are no longer true.
    if (PROGRESS.has(event.reason ?? "")) return undefined;
    const message = oneLine(event.message ?? "");
    if (event.reason === "FailedMount" && MISSING_OBJECT.test(message)) {
      return {
        reason: "Config",
        message: `pod '${pod.metadata.name}' cannot mount a volume: ${message}`,
        hint: "create the missing Secret, ConfigMap or key",
        ...at,
      };
    }
    if (event.reason === "FailedMount" || event.reason === "FailedAttachVolume") {
      return {
        reason: "Volume",
        message: `pod '${pod.metadata.name}' is waiting for a volume: ${message}`,
        ...at,
      };
    }
    if (event.reason === "FailedCreatePodSandBox") {
      return {
        reason: "CreateContainer",
        message: `the sandbox of pod '${pod.metadata.name}' cannot be created: ${message}`,
        ...at,
      };
    }
  }
  return undefined;
}

function newestFirst(events: readonly KubeEvent[]): KubeEvent[] {
  return events.toSorted((a, b) => (lastSeenAt(b)?.getTime() ?? 0) - (lastSeenAt(a)?.getTime() ?? 0));
}

/** Why the Job controller cannot create a pod, from the Job's events. */
export function createProblem(events: readonly KubeEvent[]): Problem | undefined {
  const failed = newestFirst(events).find(({ reason }) => reason === "FailedCreate");
  if (failed === undefined) return undefined;
  const message = oneLine(failed.message ?? "");
  if (/exceeded quota/i.test(message)) {
    return {
      reason: "Quota",
      message: `no pod can be created: ${message}`,
      hint: "wait for other pods to finish, or ask for a larger quota",
    };
  }
  if (
    /serviceaccounts? "?[^"]*"? not found|service account .* not found|error looking up service account/i.test(
      message,
    )
  ) {
    return {
      reason: "ServiceAccount",
      message: `no pod can be created: ${message}`,
      hint: "create the ServiceAccount, or correct service_account_name in the run config",
    };
  }
  if (/forbidden|denied|violates|invalid/i.test(message)) {
    return {
      reason: "Admission",
      message: `the cluster rejects the pod: ${message}`,
      hint: "change the job template so that the cluster's policies accept it",
    };
  }
  return { reason: "NoPod", message: `no pod can be created: ${message}` };
}

/** Several lines as one, for a sentence. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*[\n\r\u0085\u2028\u2029]+\s*/g, " ").trim();
}
