// Cache transforms: they keep only the fields that the agent reads, so that 10,000 Jobs need little memory.

import { KEPT_METADATA } from "./transform-metadata.ts";
import type { Container, ContainerStatus, Job, KubeEvent, Meta, Pod } from "../client/objects.ts";

const POD_CONDITIONS = new Set(["PodScheduled", "DisruptionTarget"]);

/** A Job, without its pod template. */
export function transformJob(job: Job): Job {
  const { backoffLimit, parallelism, completions, activeDeadlineSeconds, suspend } = job.spec;
  return {
    metadata: transformMetadata(job.metadata),
    spec: defined({ backoffLimit, parallelism, completions, activeDeadlineSeconds, suspend }),
    status: job.status,
  };
}

export function transformPod(pod: Pod): Pod {
  const { nodeName, restartPolicy, containers, initContainers } = pod.spec;
  const { phase, reason, message, podIP, conditions, containerStatuses, initContainerStatuses } = pod.status;
  return {
    metadata: transformMetadata(pod.metadata),
    spec: defined({
      nodeName,
      restartPolicy,
      containers: containers?.map(transformContainer),
      initContainers: initContainers?.map(transformContainer),
    }),
    status: defined({
      phase,
      reason,
      message,
      podIP,
      conditions: conditions?.filter(({ type }) => POD_CONDITIONS.has(type)),
      containerStatuses: containerStatuses?.map(transformContainerStatus),
      initContainerStatuses: initContainerStatuses?.map(transformContainerStatus),
    }),
  };
}

export function transformEvent(event: KubeEvent): KubeEvent {
  const { involvedObject, type, reason, message, count, firstTimestamp, lastTimestamp, eventTime, series } =
    event;
  const { kind, name, uid } = involvedObject;
  return defined({
    metadata: transformMetadata(event.metadata),
    involvedObject: defined({ kind, name, uid }),
    type,
    reason,
    message,
    count,
    firstTimestamp,
    lastTimestamp,
    eventTime,
    series,
  });
}

function transformMetadata(meta: Meta): Meta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, ownerReferences } =
    meta;
  return defined({
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    ownerReferences,
    labels: pickKeys(meta.labels, KEPT_METADATA),
    annotations: pickKeys(meta.annotations, KEPT_METADATA),
  });
}

function transformContainer({ name, image, restartPolicy, resources }: Container): Container {
  return defined({ name, image, restartPolicy, resources });
}

function transformContainerStatus(status: ContainerStatus): ContainerStatus {
  const { name, ready, started, restartCount, state, lastState } = status;
  return defined({ name, ready, started, restartCount, state, lastState });
}

function pickKeys(
  from: Readonly<Record<string, string>> | undefined,
  keys: readonly string[],
): Readonly<Record<string, string>> | undefined {
  let found: Record<string, string> | undefined;
  for (const key of keys) {
    const value = from?.[key];
    if (value !== undefined) (found ??= {})[key] = value;
  }
  return found;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A copy without undefined values, which cost memory. (Objects after `delete` cost even more.) */
export function defined<T extends object>(value: T): Defined<T> {
  const kept: Partial<T> = {};
  for (const key of Object.keys(value) as (keyof T)[]) if (value[key] !== undefined) kept[key] = value[key];
  return kept as Defined<T>;
}
