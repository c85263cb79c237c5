// The lives of pods in trouble, as the kubelet tells them.

import type { JsonObject } from "../../../src/base/json.ts";
import type { PodEvent, PodStep } from "../../fakes/kubernetes/pod-script.ts";

const SECOND = 1_000;

export interface Container {
  readonly name: string;
  readonly restartCount?: number;
  readonly state: JsonObject;
  readonly lastState?: JsonObject;
}

export const running = (name = "flow", more: Partial<Container> = {}): Container => ({
  name,
  restartCount: 0,
  state: { running: {} },
  ...more,
});

export const waiting = (reason: string, message = "", name = "flow"): Container => ({
  name,
  restartCount: 0,
  state: { waiting: { reason, message } },
});

export const ended = (
  exitCode: number,
  reason = exitCode === 0 ? "Completed" : "Error",
  name = "flow",
): Container => ({
  name,
  restartCount: 0,
  state: { terminated: { exitCode, reason } },
});

/** The container waits for its next start after it has failed so often. */
export const crashed = (times: number, exitCode: number, name = "flow"): Container => ({
  name,
  restartCount: times - 1,
  state: { waiting: { reason: "CrashLoopBackOff", message: `back-off restarting failed container=${name}` } },
  lastState: { terminated: { exitCode, reason: "Error" } },
});

/** The container was started again after it has failed so often. */
export const restarted = (times: number, exitCode: number, name = "flow"): Container =>
  running(name, { restartCount: times, lastState: { terminated: { exitCode, reason: "Error" } } });

/** So many seconds after the step before, the pod is bound to a node. */
export const bound = (afterS = 0, nodeName = "n1"): PodStep => ({ afterMs: afterS * SECOND, nodeName });

/** So many seconds after the step before, the pod has this phase and these containers. */
// oxlint-disable-next-line max-params -- a table of steps reads best without names
export function step(
  afterS: number,
  phase: string,
  containers: readonly Container[],
  more: {
    readonly inits?: readonly Container[];
    readonly events?: readonly PodEvent[];
    readonly status?: JsonObject;
  } = {},
): PodStep {
  const inits = more.inits === undefined ? {} : { initContainerStatuses: more.inits };
  const events = more.events === undefined ? {} : { events: more.events };
  const status = { phase, containerStatuses: containers, ...inits, ...more.status } as unknown as JsonObject;
  return { afterMs: afterS * SECOND, status, ...events };
}

export const warning = (reason: string, message: string): PodEvent => ({ type: "Warning", reason, message });

/** Fails to pull for so many seconds, with the kubelet's pauses; old kubelets repeat no cause while they pause. */
export function pulling(seconds: number, cause: string, image: string): PodStep[] {
  const steps = [bound()];
  const failed = { events: [warning("Failed", `Failed to pull image "${image}": ${cause}`)] };
  for (let at = 0, pause = 8; at < seconds; at += pause + 2, pause *= 2) {
    steps.push(step(at === 0 ? 0 : pause / 2, "Pending", [waiting("ErrImagePull", cause)], failed));
    steps.push(step(2, "Pending", [waiting("ImagePullBackOff", `Back-off pulling image "${image}"`)]));
  }
  return steps;
}

/** It runs for so many seconds and ends well. */
export const endsWell = (afterS: number, seconds = 2): PodStep[] => [
  step(afterS, "Running", [running()]),
  step(seconds, "Succeeded", [ended(0)]),
];
