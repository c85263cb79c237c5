// Inventory: which containers' logs are meant. Pure.

import { flowContainerName } from "../../../job/observe/observed.ts";
import type { ContainerStatus, Pod } from "../../../kube/client/objects.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { podStatus } from "../../../inventory/pod-status.ts";

/** Which pods and containers, as the flags say. */
export interface LogChoice {
  /** The container that runs the flow, without it. */
  readonly container?: string | undefined;
  readonly allContainers: boolean;
  /** The newest pod alone, without it. */
  readonly allPods: boolean;
}

/** A container, and which of its lives is the present one. */
export interface LogTarget {
  readonly pod: Pod;
  readonly container: string;
  /** When its present or last life began; undefined: it never ran. */
  readonly startedAt: string | undefined;
  readonly isRunning: boolean;
}

/** When a container began that could not be started, in the kubelet's words. */
const NEVER = "1970-01-01T00:00:00Z";

/** All pods of the run, oldest first. */
export function podsOfRun(runs: readonly InventoryRun[]): readonly Pod[] {
  const pods = runs.flatMap((run) => run.observed.jobs.flatMap((print) => print.pods));
  return pods.toSorted((left, right) => madeMs(left) - madeMs(right));
}

/** The containers that are meant. None where no such container is. */
export function logTargets(pods: readonly Pod[], choice: LogChoice): readonly LogTarget[] {
  const chosen = choice.allPods ? pods : pods.slice(-1);
  return chosen.flatMap((pod) => containersOf(pod, choice).map((container) => targetOf(pod, container)));
}

/** All containers of a pod, in the order in which they start. */
export function containerNames(pod: Pod): readonly string[] {
  return [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].map(({ name }) => name);
}

/** Why there is no log: `container "flow" has not started (ImagePullBackOff)`. */
export function whyNoLog({ pod, container, startedAt }: LogTarget): string {
  if (startedAt !== undefined) return `the log of container "${container}" is no longer there`;
  return `container "${container}" has not started (${podStatus(pod)})`;
}

function containersOf(pod: Pod, { container, allContainers }: LogChoice): readonly string[] {
  const names = containerNames(pod);
  if (container !== undefined) return names.filter((name) => name === container);
  if (allContainers) return names;
  const flow = flowContainerName(pod);
  return flow === undefined ? [] : [flow];
}

function targetOf(pod: Pod, container: string): LogTarget {
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const status: ContainerStatus | undefined = statuses.find(({ name }) => name === container);
  const { running, terminated } = status?.state ?? {};
  // Between two lives only lastState knows when the one before began.
  const life = running ?? terminated ?? status?.lastState?.terminated;
  const startedAt = life === undefined || life.startedAt === NEVER ? undefined : (life.startedAt ?? "");
  return { pod, container, startedAt, isRunning: running !== undefined };
}

function madeMs({ metadata }: Pod): number {
  return Date.parse(metadata.creationTimestamp);
}
