// Selects the containers whose logs to print. Pure.

import { containersOf, containerStatuses, flowContainerName } from "../../../job/observe/flow-container.ts";
import type { Pod } from "../../../kube/client/objects.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { jobsOfPrefect, type ObservedJob } from "../../../job/observe/observed.ts";
import { podStatus } from "../../../inventory/pod-status.ts";

/** Which pods and containers, and which part of their logs, from the flags. */
export interface LogOptions {
  /** Undefined: the container that runs the flow. */
  readonly container: string | undefined;
  readonly allContainers: boolean;
  /** False: only the newest pod. */
  readonly allPods: boolean;
  /** The log of the previous run of the container, else of the previous pod. */
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
  /** What each line starts with: the run's name, when several runs are printed. */
  readonly prefix: string;
}

/** A container, and when it was last started. */
export interface LogTarget {
  readonly pod: Pod;
  readonly container: string;
  /** The start of its current or last run; undefined: it has never started. */
  readonly startedAt: string | undefined;
  readonly isRunning: boolean;
}

/** The kubelet's start time of a container that could not be started. */
const NEVER = "1970-01-01T00:00:00Z";

/** The Jobs whose logs to print: those that run the flow; with all pods also those that the flow has made. */
export function jobsToLog(
  runs: readonly InventoryRun[],
  { allPods }: Pick<LogOptions, "allPods">,
): readonly ObservedJob[] {
  const jobs = runs.flatMap(({ observed }) => observed.jobs);
  return allPods ? jobs : jobsOfPrefect(jobs);
}

/** Their pods, oldest first. */
export function podsOf(jobs: readonly ObservedJob[]): readonly Pod[] {
  const pods = jobs.flatMap((job) => job.pods);
  const createdMs = ({ metadata }: Pod): number => Date.parse(metadata.creationTimestamp);
  return pods.toSorted((left, right) => createdMs(left) - createdMs(right));
}

/** The selected containers; empty if there is no such container. */
export function logTargets(pods: readonly Pod[], options: LogOptions): readonly LogTarget[] {
  const selected = options.allPods ? pods : pods.slice(-1);
  return selected.flatMap((pod) => selectedIn(pod, options).map((container) => targetOf(pod, container)));
}

export function containerNames(pod: Pod): readonly string[] {
  return containersOf(pod).map(({ name }) => name);
}

/** Why there is no log: `container "flow" has not started (ImagePullBackOff)`. */
export function noLogReason({ pod, container, startedAt }: LogTarget): string {
  if (startedAt !== undefined) return `the log of container "${container}" no longer exists`;
  return `container "${container}" has not started (${podStatus(pod)})`;
}

function selectedIn(pod: Pod, { container, allContainers }: LogOptions): readonly string[] {
  const names = containerNames(pod);
  if (container !== undefined) return names.filter((name) => name === container);
  if (allContainers) return names;
  const flow = flowContainerName(pod);
  return flow === undefined ? [] : [flow];
}

function targetOf(pod: Pod, container: string): LogTarget {
  const status = containerStatuses(pod).find(({ name }) => name === container);
  const { running, terminated } = status?.state ?? {};
  // Between two runs of a container only lastState has the start time.
  const current = running ?? terminated ?? status?.lastState?.terminated;
  const startedAt =
    current === undefined || current.startedAt === NEVER ? undefined : (current.startedAt ?? "");
  return { pod, container, startedAt, isRunning: running !== undefined };
}
