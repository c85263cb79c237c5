// What the agent and inventories keep of Jobs, pods and events: only the fields that are read, and equal parts only once, so that
// 10,000 of them need little memory.

import { Interner } from "../base/interner.ts";
import type { Container, Job, KubeEvent, Meta, Pod, PodSpec } from "../kube/client/objects.ts";
import {
  AGENT_ANNOTATION,
  FLOW_RUN_LABEL,
  FLOW_RUN_LABEL_2,
  IDENTIFIER_LABEL,
  KEEP_ANNOTATION,
  OWN_RETRIES_ANNOTATION,
} from "./labels.ts";
import { DEFAULT_CONTAINER, FLOW_RUN_VARIABLES, runsFlow } from "./observe/flow-container.ts";
import { hasEnded } from "./observe/pod-termination.ts";

const LABELS = [IDENTIFIER_LABEL, FLOW_RUN_LABEL, FLOW_RUN_LABEL_2];
/** Of pods that their Job has let go: all that still names it. */
const JOB_LABELS = ["job-name", "batch.kubernetes.io/controller-uid", "controller-uid"];
const ANNOTATIONS = [KEEP_ANNOTATION, AGENT_ANNOTATION, OWN_RETRIES_ANNOTATION, DEFAULT_CONTAINER];
/**
 * Conditions that no rule reads while a pod is active, but that it is not ready; a podFailurePolicy may name any other. Those of a finished pod may be
 * all that tells when it finished.
 */
const DROPPED_CONDITIONS = new Set(["Ready", "ContainersReady", "Initialized", "PodReadyToStartContainers"]);
/** The environment of the container that runs the flow, as far as rules read it. */
const FLOW_ENV = FLOW_RUN_VARIABLES.map((name) => ({ name }));

/** The fields that are read, by where they are. */
const FIELDS = {
  meta: words(`name namespace uid resourceVersion creationTimestamp deletionTimestamp
    deletionGracePeriodSeconds ownerReferences finalizers labels annotations`),
  job: words("backoffLimit parallelism completions activeDeadlineSeconds suspend podFailurePolicy managedBy"),
  podSpec: words(`nodeName hostNetwork serviceAccountName schedulerName restartPolicy
    terminationGracePeriodSeconds containers initContainers resources`),
  podStatus: words("phase reason message podIP conditions containerStatuses initContainerStatuses"),
  container: words("name image restartPolicy restartPolicyRules resources env"),
  containerStatus: words("name ready started restartCount state lastState"),
  involvedObject: words("kind name uid"),
  event: words(`metadata involvedObject type reason message count firstTimestamp lastTimestamp
    eventTime series`),
};

/** What to keep besides. */
interface AlsoKept {
  readonly labels?: readonly string[];
  /** Environment variables of containers. */
  readonly variables?: ReadonlySet<string>;
}

/** Transforms the objects of one cache or inventory. */
export class Transform {
  readonly #shared = new Interner();

  /** A Job, without its pod template. */
  job(job: Job): Job {
    return {
      metadata: this.#metadata(job.metadata, LABELS),
      spec: this.#shared.of(pick(job.spec, FIELDS.job)),
      status: job.status,
    };
  }

  pod(pod: Pod, { labels = [], variables }: AlsoKept = {}): Pod {
    const { conditions, containerStatuses, initContainerStatuses } = pod.status;
    const isLetGo = (pod.metadata.ownerReferences ?? []).length === 0;
    const keptConditions = conditions?.filter(
      ({ type, status }) =>
        hasEnded(pod) || !DROPPED_CONDITIONS.has(type) || (type === "Ready" && status === "False"),
    );
    const statuses = (all: typeof containerStatuses): typeof all =>
      this.#shared.of(all?.map((status) => pick(status, FIELDS.containerStatus)));
    return {
      metadata: this.#metadata(pod.metadata, [...LABELS, ...labels, ...(isLetGo ? JOB_LABELS : [])]),
      spec: this.podSpec(pod.spec, variables),
      status: pick(pod.status, FIELDS.podStatus, {
        conditions: this.#shared.of(keptConditions),
        containerStatuses: statuses(containerStatuses),
        initContainerStatuses: statuses(initContainerStatuses),
      }),
    };
  }

  podSpec(spec: PodSpec, variables?: ReadonlySet<string>): PodSpec {
    const { nodeName, containers, initContainers } = spec;
    const schedulerName = nodeName === undefined ? spec.schedulerName : undefined;
    const kept = (container: Container): Container => transformContainer(container, variables);
    const replaced = { containers: containers?.map(kept), initContainers: initContainers?.map(kept) };
    return this.#shared.of(pick(spec, FIELDS.podSpec, { schedulerName, ...replaced }));
  }

  event(event: KubeEvent): KubeEvent {
    return pick(event, FIELDS.event, {
      metadata: this.#metadata(event.metadata, []),
      involvedObject: pick(event.involvedObject, FIELDS.involvedObject),
      message: this.#shared.of(event.message),
    });
  }

  #metadata(meta: Meta, labels: readonly string[]): Meta {
    return pick(meta, FIELDS.meta, {
      namespace: this.#shared.of(meta.namespace),
      creationTimestamp: this.#shared.of(meta.creationTimestamp),
      finalizers: meta.deletionTimestamp === undefined ? undefined : meta.finalizers,
      labels: pickSome(meta.labels, labels),
      annotations: this.#shared.of(pickSome(meta.annotations, ANNOTATIONS)),
    });
  }
}

function transformContainer(container: Container, variables?: ReadonlySet<string>): Container {
  const flowEnv = runsFlow(container) ? FLOW_ENV : undefined;
  const kept = variables && container.env?.filter((variable) => variables.has(variable.name));
  return pick(container, FIELDS.container, { env: kept === undefined || kept.length === 0 ? flowEnv : kept });
}

/** A copy with these fields, some replaced, without undefined values: they cost memory, and objects after `delete` more. */
function pick<T extends object>(
  from: T,
  fields: readonly string[],
  replaced: { readonly [Field in keyof T]?: T[Field] | undefined } = {},
): T {
  const kept: Partial<T> = {};
  for (const field of fields as readonly (keyof T)[]) {
    const value = field in replaced ? replaced[field] : from[field];
    if (value !== undefined) kept[field] = value;
  }
  return kept as T;
}

/** The same; undefined if nothing is kept. */
function pickSome<T extends object>(from: T | undefined, keys: readonly string[]): T | undefined {
  return from !== undefined && keys.some((key) => key in from) ? pick(from, keys) : undefined;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}
