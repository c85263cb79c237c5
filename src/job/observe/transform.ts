// Cache transforms: they keep only the fields that the agent reads, so that 10,000 Jobs need little memory.

import type { Container, ContainerStatus, Job, KubeEvent, Meta, Pod } from "../../kube/client/objects.ts";
import {
  AGENT_ANNOTATION,
  FLOW_RUN_LABEL,
  FLOW_RUN_LABEL_2,
  IDENTIFIER_LABEL,
  KEEP_ANNOTATION,
  OWN_RETRIES_ANNOTATION,
} from "../labels.ts";
import { FLOW_RUN_VARIABLES, runsFlow } from "./flow-container.ts";

/** The labels and annotations that cached objects keep: Prefect's, ours, and a pod's `job-name`. */
const KEPT_METADATA = [
  IDENTIFIER_LABEL,
  FLOW_RUN_LABEL,
  FLOW_RUN_LABEL_2,
  KEEP_ANNOTATION,
  AGENT_ANNOTATION,
  OWN_RETRIES_ANNOTATION,
  "job-name",
];
/** Conditions of pods that no rule reads; a podFailurePolicy may name any other. */
const DROPPED_CONDITIONS = new Set(["Ready", "ContainersReady", "Initialized", "PodReadyToStartContainers"]);

/** The environment of the container that runs the flow: all share one, which costs nothing. */
const FLOW_ENV = FLOW_RUN_VARIABLES.map((name) => ({ name }));
/** The uid of a pod's Job, also after the Job was deleted and its pods let go. */
const JOB_UID_LABELS = ["batch.kubernetes.io/controller-uid", "controller-uid"];

/** A Job, without its pod template. */
export function transformJob(job: Job): Job {
  const { backoffLimit, parallelism, completions, activeDeadlineSeconds, suspend, podFailurePolicy } =
    job.spec;
  return {
    metadata: transformMetadata(job.metadata, KEPT_METADATA),
    spec: defined({
      backoffLimit,
      parallelism,
      completions,
      activeDeadlineSeconds,
      suspend,
      podFailurePolicy,
    }),
    status: job.status,
  };
}

export function transformPod(pod: Pod): Pod {
  const { nodeName, restartPolicy, schedulerName, containers, initContainers } = pod.spec;
  const { phase, reason, message, podIP, conditions, containerStatuses, initContainerStatuses } = pod.status;
  return {
    metadata: transformMetadata(
      pod.metadata,
      (pod.metadata.ownerReferences ?? []).length === 0
        ? [...KEPT_METADATA, ...JOB_UID_LABELS]
        : KEPT_METADATA,
    ),
    spec: defined({
      nodeName,
      restartPolicy,
      schedulerName: nodeName === undefined ? schedulerName : undefined,
      containers: containers?.map(transformContainer),
      initContainers: initContainers?.map(transformContainer),
    }),
    status: defined({
      phase,
      reason,
      message,
      podIP,
      conditions: conditions?.filter(({ type }) => !DROPPED_CONDITIONS.has(type)),
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
    metadata: transformMetadata(event.metadata, []),
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

function transformMetadata(meta: Meta, kept: readonly string[]): Meta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = meta;
  const { ownerReferences, finalizers } = meta;
  return defined({
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    ownerReferences,
    finalizers: deletionTimestamp === undefined ? undefined : finalizers,
    labels: pickKeys(meta.labels, kept),
    annotations: pickKeys(meta.annotations, kept),
  });
}

function transformContainer(container: Container): Container {
  const { name, image, restartPolicy, resources } = container;
  return defined({ name, image, restartPolicy, resources, env: runsFlow(container) ? FLOW_ENV : undefined });
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
