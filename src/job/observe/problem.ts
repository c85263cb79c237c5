// Problem: what is wrong with a pod or Job, as data. Reasons are the kubelet's (pkg/kubelet/images, kuberuntime,
// container), the scheduler's and the Job controller's; texts are for the person who owns the flow.

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
  /** What happened, to which container or pod, with the numbers: one line. */
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

/** Why a container waits, when it waits for something that does not come by itself. */
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
      hint: "create the Secret, ConfigMap or key that it names",
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

/** A container that is started again and again, seen in between. */
export function crashProblem(status: ContainerStatus, spec: Container | undefined, pod: Pod): Problem {
  const last = status.state?.terminated ?? status.lastState?.terminated;
  const ended = last === undefined ? "no reason given" : describeEnd(last, spec);
  return {
    reason: "CrashLoop",
    message: `container '${status.name}' keeps crashing (restarted ${status.restartCount ?? 0} times, last: ${ended})`,
    hint: "read its log with: kubectl prefect logs RUN --previous",
    pod: pod.metadata.name,
    container: status.name,
  };
}

/** How a container ended, if it ended badly. */
export function endProblem(
  end: Terminated,
  spec: Container | undefined,
  where: { pod: string; container: string; init: boolean },
): Problem | undefined {
  if (end.exitCode === 0 && end.reason !== "OOMKilled") return undefined;
  const what = where.init ? `init container '${where.container}'` : `container '${where.container}'`;
  const at = { pod: where.pod, container: where.container };
  const code = where.init ? "InitContainer" : codeOfEnd(end);
  return { reason: code, message: `${what} ${describeEnd(end, spec)}`, hint: hintOfEnd(end), ...at };
}

function codeOfEnd(end: Terminated): ProblemReason {
  if (end.reason === "OOMKilled") return "OOMKilled";
  if (end.reason === "StartError" || end.reason === "ContainerCannotRun") return "StartError";
  return signalOf(end) === undefined ? "ExitCode" : "Signal";
}

/** In words: exit code, signal by name, the kernel's and the runtime's reason, the limit. */
export function describeEnd(end: Terminated, spec: Container | undefined): string {
  const limit = spec?.resources?.limits?.["memory"];
  if (end.reason === "OOMKilled") {
    return `ran out of memory and was killed (OOMKilled, exit code ${end.exitCode}, limit ${limit ?? "none: the node had no more"})`;
  }
  if (end.reason === "StartError" || end.reason === "ContainerCannotRun") {
    return `could not be started (${end.reason}: ${oneLine(end.message ?? "no reason given")})`;
  }
  const signal = signalOf(end);
  const message = end.message === undefined || end.message === "" ? "" : `: ${oneLine(end.message)}`;
  if (signal !== undefined) return `was killed by signal ${signal} (exit code ${end.exitCode})${message}`;
  return `exited with code ${end.exitCode}${message}`;
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

/** The signal that ended a container: told by the runtime, or by the shell's 128+n. */
export function signalOf(end: Terminated): string | undefined {
  const number =
    end.signal !== undefined && end.signal > 0 ? end.signal : end.exitCode > 128 ? end.exitCode - 128 : 0;
  if (number === 0 || number > 64) return undefined;
  return SIGNALS[number] ?? String(number);
}

function hintOfEnd(end: Terminated): string {
  if (end.reason === "OOMKilled") return "raise memory_limit in the run config, or use less memory";
  if (end.reason === "StartError" || end.reason === "ContainerCannotRun") {
    return "check that the command exists in the image";
  }
  if (end.exitCode === 127) return "a command was not found: is prefect installed in the image?";
  if (end.exitCode === 137) return "it was killed from outside: by the node for memory, or with its pod";
  if (end.exitCode === 143) return "its pod was asked to stop: look for who deleted or drained it";
  return "the last lines of its log tell more";
}

const PROGRESS = new Set(["Pulling", "Pulled", "Created", "Started"]);
const MISSING_OBJECT =
  /(?:secret|configmap)s? "[^"]*" not found|references non-existent (?:secret|config) key/i;

/** What a pod's newest warnings say of why it does not start. */
export function startProblem(pod: Pod, events: readonly KubeEvent[]): Problem | undefined {
  const at = { pod: pod.metadata.name };
  const scheduled = (pod.status.conditions ?? []).find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False" && scheduled.reason === "Unschedulable") {
    return {
      reason: "Unschedulable",
      message: `pod '${pod.metadata.name}' cannot be scheduled: ${oneLine(scheduled.message ?? "")}`,
      hint: "ask for less, or let the cluster grow",
      ...at,
    };
  }
  if (scheduled?.status === "False" && scheduled.reason === "SchedulingGated") {
    return {
      reason: "Unschedulable",
      message: `pod '${pod.metadata.name}' waits for its scheduling gates`,
      ...at,
    };
  }
  for (const event of newestFirst(events)) {
    // Mounts and sandbox come before images and containers: what was wrong with them is over.
    if (PROGRESS.has(event.reason ?? "")) return undefined;
    const message = oneLine(event.message ?? "");
    if (event.reason === "FailedMount" && MISSING_OBJECT.test(message)) {
      return {
        reason: "Config",
        message: `pod '${pod.metadata.name}' cannot mount a volume: ${message}`,
        hint: "create the Secret, ConfigMap or key that it names",
        ...at,
      };
    }
    if (event.reason === "FailedMount" || event.reason === "FailedAttachVolume") {
      return {
        reason: "Volume",
        message: `pod '${pod.metadata.name}' waits for a volume: ${message}`,
        ...at,
      };
    }
    if (event.reason === "FailedCreatePodSandBox") {
      return {
        reason: "CreateContainer",
        message: `pod '${pod.metadata.name}' gets no sandbox: ${message}`,
        ...at,
      };
    }
  }
  return undefined;
}

function newestFirst(events: readonly KubeEvent[]): KubeEvent[] {
  return events.toSorted((a, b) => (lastSeenAt(b)?.getTime() ?? 0) - (lastSeenAt(a)?.getTime() ?? 0));
}

/** Why the Job controller cannot make a pod: only the Job's events tell. */
export function createProblem(events: readonly KubeEvent[]): Problem | undefined {
  const failed = newestFirst(events).find(({ reason }) => reason === "FailedCreate");
  if (failed === undefined) return undefined;
  const message = oneLine(failed.message ?? "");
  if (/exceeded quota/i.test(message)) {
    return {
      reason: "Quota",
      message: `no pod can be made: ${message}`,
      hint: "wait for other pods to end, or ask for a larger quota",
    };
  }
  if (
    /serviceaccounts? "?[^"]*"? not found|service account .* not found|error looking up service account/i.test(
      message,
    )
  ) {
    return {
      reason: "ServiceAccount",
      message: `no pod can be made: ${message}`,
      hint: "create the ServiceAccount, or correct service_account_name in the run config",
    };
  }
  if (/forbidden|denied|violates|invalid/i.test(message)) {
    return {
      reason: "Admission",
      message: `the cluster refuses the pod: ${message}`,
      hint: "change the job template so that the cluster's policies accept it",
    };
  }
  return { reason: "NoPod", message: `no pod can be made: ${message}` };
}

/** Several lines as one, for a sentence. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}
