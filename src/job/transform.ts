// What the agent and inventories keep of Jobs, pods and events: only the fields that are read, and equal parts only once, so that
// 10,000 of them need little memory.

import { Interner } from "../base/interner.ts";
import type {
  Container,
  ContainerStatus,
  Job,
  KubeEvent,
  Meta,
  Pod,
  PodSpec,
} from "../kube/client/objects.ts";
import {
  AGENT_ANNOTATION,
  FLOW_RUN_LABEL,
  FLOW_RUN_LABEL_2,
  IDENTIFIER_LABEL,
  KEEP_ANNOTATION,
  OWN_RETRIES_ANNOTATION,
} from "./labels.ts";
import { DEFAULT_CONTAINER, FLOW_RUN_VARIABLES, runsFlow } from "./observe/flow-container.ts";

const LABELS = [IDENTIFIER_LABEL, FLOW_RUN_LABEL, FLOW_RUN_LABEL_2];
/** Of pods that their Job has let go: all that still names it. */
const JOB_LABELS = ["job-name", "batch.kubernetes.io/controller-uid", "controller-uid"];
const ANNOTATIONS = [KEEP_ANNOTATION, AGENT_ANNOTATION, OWN_RETRIES_ANNOTATION, DEFAULT_CONTAINER];
/**
 * Conditions that no rule reads while a pod is active; a podFailurePolicy may name any other. Those of a finished pod may be
 * all that tells when it finished.
 */
const DROPPED_CONDITIONS = new Set(["Ready", "ContainersReady", "Initialized", "PodReadyToStartContainers"]);
/** The environment of the container that runs the flow, as far as rules read it. */
const FLOW_ENV = FLOW_RUN_VARIABLES.map((name) => ({ name }));
const FINISHED = new Set(["Succeeded", "Failed"]);

/** What to keep besides. */
export interface AlsoKept {
  readonly labels?: readonly string[];
  /** Environment variables of containers. */
  readonly variables?: ReadonlySet<string>;
}

/** Transforms the objects of one cache or inventory. */
export class Transform {
  readonly #shared = new Interner();

  /** A Job, without its pod template. */
  job(job: Job): Job {
    const { backoffLimit, parallelism, completions, activeDeadlineSeconds, suspend, podFailurePolicy } =
      job.spec;
    return {
      metadata: this.#metadata(job.metadata, LABELS),
      spec: this.#shared.of(
        defined({
          backoffLimit,
          parallelism,
          completions,
          activeDeadlineSeconds,
          suspend,
          podFailurePolicy,
        }),
      ),
      status: job.status,
    };
  }

  pod(pod: Pod, { labels = [], variables }: AlsoKept = {}): Pod {
    const { phase, reason, message, podIP, conditions, containerStatuses, initContainerStatuses } =
      pod.status;
    const isLetGo = (pod.metadata.ownerReferences ?? []).length === 0;
    const isFinished = FINISHED.has(phase ?? "");
    const keptConditions = conditions?.filter(({ type }) => isFinished || !DROPPED_CONDITIONS.has(type));
    return {
      metadata: this.#metadata(pod.metadata, [...LABELS, ...labels, ...(isLetGo ? JOB_LABELS : [])]),
      spec: this.podSpec(pod.spec, variables),
      status: defined({
        phase,
        reason,
        message,
        podIP,
        conditions: this.#shared.of(keptConditions),
        containerStatuses: this.#shared.of(containerStatuses?.map(transformContainerStatus)),
        initContainerStatuses: this.#shared.of(initContainerStatuses?.map(transformContainerStatus)),
      }),
    };
  }

  podSpec(spec: PodSpec, variables?: ReadonlySet<string>): PodSpec {
    const { nodeName, serviceAccountName, restartPolicy, containers, initContainers } = spec;
    const schedulerName = nodeName === undefined ? spec.schedulerName : undefined;
    const kept = (container: Container): Container => transformContainer(container, variables);
    return this.#shared.of(
      defined({
        nodeName,
        serviceAccountName,
        schedulerName,
        restartPolicy,
        containers: containers?.map(kept),
        initContainers: initContainers?.map(kept),
      }),
    );
  }

  event(event: KubeEvent): KubeEvent {
    const { involvedObject, type, reason, message, count, series } = event;
    const { firstTimestamp, lastTimestamp, eventTime } = event;
    const { kind, name, uid } = involvedObject;
    return defined({
      metadata: this.#metadata(event.metadata, []),
      involvedObject: defined({ kind, name, uid }),
      type,
      reason,
      message: this.#shared.of(message),
      count,
      firstTimestamp,
      lastTimestamp,
      eventTime,
      series,
    });
  }

  #metadata(meta: Meta, labels: readonly string[]): Meta {
    const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = meta;
    return defined({
      name,
      namespace: this.#shared.of(namespace),
      uid,
      resourceVersion,
      creationTimestamp: this.#shared.of(creationTimestamp),
      deletionTimestamp,
      ownerReferences: meta.ownerReferences,
      finalizers: deletionTimestamp === undefined ? undefined : meta.finalizers,
      labels: pickKeys(meta.labels, labels),
      annotations: this.#shared.of(pickKeys(meta.annotations, ANNOTATIONS)),
    });
  }
}

function transformContainer(container: Container, variables?: ReadonlySet<string>): Container {
  const { name, image, restartPolicy, resources } = container;
  const flowEnv = runsFlow(container) ? FLOW_ENV : undefined;
  const kept = variables && container.env?.filter((variable) => variables.has(variable.name));
  const env = kept === undefined || kept.length === 0 ? flowEnv : kept;
  return defined({ name, image, restartPolicy, resources, env });
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
function defined<T extends object>(value: T): Defined<T> {
  const kept: Partial<T> = {};
  for (const key of Object.keys(value) as (keyof T)[]) if (value[key] !== undefined) kept[key] = value[key];
  return kept as Defined<T>;
}
