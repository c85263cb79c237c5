// The outcomes, step by step: what the cluster shows of a pod that succeeds, fails, cannot start, is thrown out.

import type { Pod } from "../../../src/kube/client/objects.ts";
import type { PodOutcome, PodEvent, PodStep } from "./pod-script.ts";
import {
  backingOff,
  evicted,
  mainContainer,
  running,
  scheduling,
  terminated,
  waiting,
} from "./pod-status.ts";

/** The node of the fake. */
export const NODE = "fake-node";
const UNSCHEDULABLE =
  "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes";
const EVICTION = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi.";

/** The steps of a pod's outcome. */
export function stepsOf(outcome: PodOutcome, pod: Pod): readonly PodStep[] {
  const { exitCode = 1, runMs = 0, message } = outcome;
  switch (outcome.outcome) {
    case "succeed":
      return [...untilRunning(outcome, pod), end(runMs, { exitCode: 0 })];
    case "fail":
      return [...untilRunning(outcome, pod), end(runMs, { exitCode })];
    case "oom":
      return [...untilRunning(outcome, pod), end(runMs, { exitCode: 137, reason: "OOMKilled" })];
    case "never":
      return untilRunning(outcome, pod);
    case "pending":
      return [
        unschedulable(
          message ?? `${UNSCHEDULABLE} are available: 1 No preemption victims found for incoming pod.`,
        ),
      ];
    case "creating":
      return untilCreating(pod);
    case "imagePull":
      return [...untilCreating(pod), ...pullFailures(outcome, pod)];
    case "invalidImage":
      return [...untilCreating(pod), invalidImage(outcome, pod)];
    case "configError":
      return [...untilCreating(pod), configError(outcome, pod)];
    case "crashLoop":
      return [...untilRunning(outcome, pod), ...crashes(outcome, pod)];
    case "evict":
      return [...untilRunning(outcome, pod), eviction(runMs, message ?? EVICTION)];
    case "refuse":
      break;
  }
  return [];
}

function untilCreating(pod: Pod): readonly PodStep[] {
  const { namespace, name } = pod.metadata;
  const message = `Successfully assigned ${namespace}/${name} to ${NODE}`;
  return [
    {
      nodeName: NODE,
      status: (_pod, at) => scheduling(at),
      events: [{ reason: "Scheduled", message, component: "default-scheduler" }],
    },
    { status: (now, at) => waiting(now, at) },
  ];
}

function untilRunning({ startMs = 0, log }: PodOutcome, pod: Pod): readonly PodStep[] {
  const container = mainContainer(pod);
  const image = imageOf(pod);
  const events: readonly PodEvent[] = [
    {
      reason: "Pulled",
      message: `Container image "${image}" already present on machine and can be accessed by the pod`,
    },
    { reason: "Created", message: "Container created" },
    { reason: "Started", message: "Container started" },
  ];
  return [
    ...untilCreating(pod),
    {
      afterMs: startMs,
      status: (now, at) => running(now, at, addressOf(now)),
      events: events.map((event) => ({ ...event, container })),
      ...(log === undefined ? {} : { log }),
    },
  ];
}

function end(afterMs: number, how: { readonly exitCode: number; readonly reason?: string }): PodStep {
  return { afterMs, status: (pod, at) => terminated(pod, at, how) };
}

function unschedulable(message: string): PodStep {
  const component = "default-scheduler";
  return {
    status: (_pod, at) => scheduling(at, message),
    events: [{ type: "Warning", reason: "FailedScheduling", message, component }],
  };
}

function pullFailures({ startMs = 0, message }: PodOutcome, pod: Pod): readonly PodStep[] {
  const image = imageOf(pod);
  const container = mainContainer(pod);
  const cause =
    message ??
    `failed to pull and unpack image "${image}": failed to resolve reference "${image}": not found`;
  const warn = (text: string): PodEvent => ({ type: "Warning", reason: "Failed", message: text, container });
  const backOff = `Back-off pulling image "${image}"`;
  return [
    {
      afterMs: startMs,
      status: (now, at) => waiting(now, at, { waiting: { reason: "ErrImagePull", message: cause } }),
      events: [
        { reason: "Pulling", message: `Pulling image "${image}"`, container },
        warn(`Failed to pull image "${image}": ${cause}`),
        warn("Error: ErrImagePull"),
      ],
    },
    {
      afterMs: 50,
      status: (now, at) =>
        waiting(now, at, {
          waiting: { reason: "ImagePullBackOff", message: `${backOff}: ErrImagePull: ${cause}` },
        }),
      events: [{ reason: "BackOff", message: backOff, container }, warn("Error: ImagePullBackOff")],
    },
  ];
}

function invalidImage({ startMs = 0 }: PodOutcome, pod: Pod): PodStep {
  const image = imageOf(pod);
  const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
  const container = mainContainer(pod);
  return {
    afterMs: startMs,
    status: (now, at) => waiting(now, at, { waiting: { reason: "InvalidImageName", message } }),
    events: [
      { type: "Warning", reason: "InspectFailed", message, container },
      { type: "Warning", reason: "Failed", message: "Error: InvalidImageName", container },
    ],
  };
}

function configError({ startMs = 0, message = 'secret "missing" not found' }: PodOutcome, pod: Pod): PodStep {
  return {
    afterMs: startMs,
    status: (now, at) => waiting(now, at, { waiting: { reason: "CreateContainerConfigError", message } }),
    events: [
      { type: "Warning", reason: "Failed", message: `Error: ${message}`, container: mainContainer(pod) },
    ],
  };
}

function crashes({ runMs = 0, exitCode = 1 }: PodOutcome, pod: Pod): readonly PodStep[] {
  const container = mainContainer(pod);
  const { name, namespace, uid } = pod.metadata;
  const message = `Back-off restarting failed container ${container} in pod ${name}_${namespace}(${uid})`;
  return [1, 2, 3].map((restarts) => ({
    afterMs: runMs,
    status: (now: Pod, at: string) => backingOff(now, at, { exitCode, restarts }),
    events: [{ type: "Warning", reason: "BackOff", message, container }],
  }));
}

function eviction(afterMs: number, message: string): PodStep {
  return {
    afterMs,
    status: (pod, at) => evicted(pod, at, message),
    events: [{ type: "Warning", reason: "Evicted", message }],
  };
}

function imageOf(pod: Pod): string {
  const main = mainContainer(pod);
  return pod.spec.containers?.find((container) => container.name === main)?.image ?? "";
}

/** An address of the pod's own, taken from its uid. */
function addressOf(pod: Pod): string {
  const digits = pod.metadata.uid.replaceAll("-", "");
  const byte = (at: number): number => Number.parseInt(digits.slice(at, at + 2), 16) || 1;
  return `10.244.${byte(0)}.${byte(2)}`;
}
