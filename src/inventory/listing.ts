// Inventory: lists Kubernetes objects; a resource that the user may not list becomes a warning, not an error.

import PQueue from "p-queue";
import { listAll, type KubeApi, type ListQuery } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { Job, KindMap, Pod, Resource } from "../kube/client/objects.ts";
import { DASK_LABELS, SCHEDULER_ADDRESS } from "../dask/recognise.ts";
import { API_VARIABLES, TENANT_VARIABLE } from "../job/job-origin.ts";
import { FLOW_RUN_VARIABLES } from "../job/observe/flow-container.ts";
import { Transform } from "../job/transform.ts";

/** Each connection costs a TLS handshake, which takes longer than a small list. */
const CONNECTIONS = 4;
/** The only resource that a cluster may lack: a 404 for another one comes from something that is no API server. */
const OPTIONAL: Resource = "daskclusters";
/** What is kept besides what the agent keeps. */
const JOB_VARIABLES = new Set([...API_VARIABLES, TENANT_VARIABLE]);
const DASK = { labels: DASK_LABELS, variables: new Set([...FLOW_RUN_VARIABLES, SCHEDULER_ADDRESS]) };

/** Whether the cluster has no such resource: without the Dask operator the API server answers 404. */
export function isMissing(resource: Resource, error: unknown): boolean {
  return resource === OPTIONAL && error instanceof KubeError && error.status === 404;
}

/** The lists for one inventory. */
export class Listing {
  readonly #kube: Pick<KubeApi, "listPage">;
  readonly #queue = new PQueue({ concurrency: CONNECTIONS });
  readonly #signal: AbortSignal | undefined;
  readonly #transform = new Transform();
  /** The resources that the user may not list, with the server's error. */
  readonly forbidden = new Map<Resource, KubeError>();

  constructor(kube: Pick<KubeApi, "listPage">, signal?: AbortSignal) {
    this.#kube = kube;
    this.#signal = signal;
  }

  /**
   * All objects of a query; none if the user may not list them, or if the cluster does not have the Dask operator.
   * `onObject` is called for each object as it arrives. Throws KubeError for everything else.
   */
  async all<R extends Resource>(
    resource: R,
    query: ListQuery,
    onObject?: (object: KindMap[R]) => void,
  ): Promise<readonly KindMap[R][]> {
    const transform = (object: KindMap[R]): KindMap[R] => {
      onObject?.(object);
      return transformed(this.#transform, resource, object);
    };
    const pages = { ...query, transform, signal: this.#signal };
    const everyPage = () => this.#queue.add(() => Array.fromAsync(listAll(this.#kube, resource, pages)));
    try {
      return await everyPage();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // A continue token expires after some minutes; then the list starts again, once.
      if (error.status === 410) return everyPage();
      if (isMissing(resource, error)) return [];
      if (error.status !== 403) throw error;
      this.forbidden.set(resource, error);
      return [];
    }
  }
}

/** The object with only those fields that are read; other resources as they are. */
function transformed<R extends Resource>(transform: Transform, resource: R, object: KindMap[R]): KindMap[R] {
  if (resource === "jobs") return transformedJob(transform, object as Job) as KindMap[R];
  return resource === "pods" ? (transformedPod(transform, object as Pod) as KindMap[R]) : object;
}

/** With all its labels, which -o json prints, and its template. */
function transformedJob(transform: Transform, job: Job): Job {
  const kept = transform.job(job);
  const { labels = {} } = job.metadata;
  const spec = job.spec.template?.spec;
  const template = spec && { template: { spec: transform.podSpec(spec, JOB_VARIABLES) } };
  return { ...kept, metadata: { ...kept.metadata, labels }, spec: { ...kept.spec, ...template } };
}

function transformedPod(transform: Transform, pod: Pod): Pod {
  const isDask = DASK_LABELS.some((label) => pod.metadata.labels?.[label] !== undefined);
  return transform.pod(pod, isDask ? DASK : undefined);
}
