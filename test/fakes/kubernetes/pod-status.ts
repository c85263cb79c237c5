// The status of a pod at the stations of its life, as kubelet 1.35 writes it.

import type { JsonObject } from "../../../src/base/json.ts";
import type { Container, ContainerStatus, Pod } from "../../../src/kube/client/objects.ts";

/** The state of a container; the main one may fare otherwise than the rest. */
export type State = NonNullable<ContainerStatus["state"]>;

/** The container that runs the flow: the one named `flow`, else the first. */
export function mainContainer(pod: Pod): string {
  const containers = pod.spec.containers ?? [];
  return (containers.find((container) => container.name === "flow") ?? containers[0])?.name ?? "";
}

/** All names of containers, init containers first. */
export function containerNames(pod: Pod): readonly string[] {
  return [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].map(
    (container) => container.name,
  );
}

/** Bound to a node, or refused by all of them with the scheduler's words. */
export function scheduling(at: string, refusal?: string): JsonObject {
  if (refusal === undefined) return { conditions: [condition("PodScheduled", at)] };
  const because = { status: "False", reason: "Unschedulable", message: refusal };
  return { phase: "Pending", conditions: [condition("PodScheduled", at, because)] };
}

/** On its node, and not running: every container waits, the main one perhaps for its own reason. */
export function waiting(pod: Pod, at: string, main: State = {}): JsonObject {
  const initial = pod.spec.initContainers === undefined ? "ContainerCreating" : "PodInitializing";
  const other: State = { waiting: { reason: initial } };
  return {
    phase: "Pending",
    startTime: pod.status.startTime ?? at,
    hostIP: "10.0.0.1",
    conditions: conditions(pod, at, "waiting"),
    containerStatuses: statuses(pod, { main: main.waiting === undefined ? other : main, other }),
    ...inits(pod, main.waiting === undefined ? other : ended(0, { startedAt: at, finishedAt: at })),
  };
}

/** All containers run. */
export function running(pod: Pod, at: string, podIP: string): JsonObject {
  const state: State = { running: { startedAt: at } };
  return {
    phase: "Running",
    podIP,
    conditions: conditions(pod, at, "running"),
    containerStatuses: statuses(pod, { main: state, other: state }),
    ...inits(pod, ended(0, { startedAt: at, finishedAt: at })),
  };
}

/** All containers have ended; the main one with this code, the others in good order. */
export function terminated(
  pod: Pod,
  at: string,
  end: { readonly exitCode: number; readonly reason?: string },
): JsonObject {
  const startedAt = startOf(pod) ?? at;
  const span = { startedAt, finishedAt: at };
  const main = ended(end.exitCode, span, end.reason);
  return {
    phase: end.exitCode === 0 ? "Succeeded" : "Failed",
    conditions: conditions(pod, at, end.exitCode === 0 ? "completed" : "failed"),
    containerStatuses: statuses(pod, { main, other: ended(0, span) }),
  };
}

/** What a pod looks like after its containers were told to end, and ended with this code. */
export function killed(pod: Pod, at: string, exitCode = 137): JsonObject {
  const known = pod.status.containerStatuses ?? [];
  const isOver = known.length > 0 && known.every((status) => status.state?.terminated !== undefined);
  if (isOver || pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return {};
  const ran = startOf(pod) !== undefined;
  const state = ran
    ? ended(exitCode, { startedAt: startOf(pod) ?? at, finishedAt: at })
    : {
        terminated: {
          exitCode: 137,
          reason: "ContainerStatusUnknown",
          message: "The container could not be located when the pod was terminated",
        },
      };
  const isWell = ran && exitCode === 0;
  return {
    phase: isWell ? "Succeeded" : "Failed",
    conditions: conditions(pod, at, isWell ? "completed" : "failed"),
    containerStatuses: statuses(pod, { main: state, other: state }),
  };
}

/** A container that failed and waits to be started again. */
export function backingOff(
  pod: Pod,
  at: string,
  end: { readonly exitCode: number; readonly restarts: number },
): JsonObject {
  const name = mainContainer(pod);
  const message = `back-off 10s restarting failed container=${name} pod=${pod.metadata.name}_${pod.metadata.namespace}`;
  const main: State = { waiting: { reason: "CrashLoopBackOff", message } };
  const lastState = ended(end.exitCode, { startedAt: startOf(pod) ?? at, finishedAt: at });
  const running: State = { running: { startedAt: at } };
  return {
    phase: "Running",
    conditions: conditions(pod, at, "waiting"),
    containerStatuses: statuses(pod, { main, other: running }).map((status) =>
      status.name === name ? { ...status, restartCount: end.restarts, lastState } : status,
    ),
  };
}

interface Span {
  readonly startedAt: string;
  readonly finishedAt: string;
}

function ended(exitCode: number, { startedAt, finishedAt }: Span, reason?: string): State {
  return {
    terminated: {
      exitCode,
      reason: reason ?? (exitCode === 0 ? "Completed" : "Error"),
      startedAt,
      finishedAt,
    },
  };
}

function startOf(pod: Pod): string | undefined {
  const known = pod.status.containerStatuses ?? [];
  return known.map((status) => status.state?.running?.startedAt).find((at) => at !== undefined);
}

function statuses(
  pod: Pod,
  states: { readonly main: State; readonly other: State },
): readonly ContainerStatus[] {
  const main = mainContainer(pod);
  return (pod.spec.containers ?? []).map((container) =>
    statusOf(container, container.name === main ? states.main : states.other),
  );
}

function inits(pod: Pod, state: State): JsonObject {
  if (pod.spec.initContainers === undefined) return {};
  const sidecar: State =
    state.terminated === undefined ? state : { running: { startedAt: state.terminated.finishedAt ?? "" } };
  return {
    initContainerStatuses: pod.spec.initContainers.map((container) =>
      statusOf(container, container.restartPolicy === "Always" ? sidecar : state),
    ),
  };
}

function statusOf(container: Container, state: State): ContainerStatus {
  const isRunning = state.running !== undefined;
  const image = container.image ?? "";
  return {
    name: container.name,
    state,
    lastState: {},
    ready: isRunning,
    started: isRunning,
    restartCount: 0,
    image,
  };
}

type Station = "waiting" | "running" | "completed" | "failed";

function conditions(pod: Pod, at: string, station: Station): readonly JsonObject[] {
  const names = (pod.spec.containers ?? []).map((container) => container.name).join(" ");
  const notReady = { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` };
  const why = {
    waiting: notReady,
    running: {},
    completed: { reason: "PodCompleted" },
    failed: { reason: "PodFailed" },
  };
  const ready = station === "running" ? {} : { status: "False", ...why[station] };
  return [
    condition("PodReadyToStartContainers", at, { status: station === "running" ? "True" : "False" }),
    condition("Initialized", at),
    condition("Ready", at, ready),
    condition("ContainersReady", at, ready),
    condition("PodScheduled", at),
  ];
}

function condition(type: string, at: string, fields: JsonObject = {}): JsonObject {
  return { type, status: "True", lastProbeTime: null, lastTransitionTime: at, ...fields };
}

/** The pod's status after its node has thrown it out. */
export function evicted(pod: Pod, at: string, message: string): JsonObject {
  const { conditions: known, ...status } = terminated(pod, at, { exitCode: 137 });
  const disruption = condition("DisruptionTarget", at, { reason: "TerminationByKubelet", message });
  return {
    ...status,
    reason: "Evicted",
    message,
    conditions: [disruption, ...(Array.isArray(known) ? known : [])],
  };
}
