// Inventory: what it keeps of Jobs and pods besides what the agent keeps.

import { FLOW_RUN_VARIABLES } from "../job/observe/flow-container.ts";
import { DASK_LABELS, SCHEDULER_ADDRESS } from "../dask/recognise.ts";
import { API_VARIABLES, TENANT_VARIABLE } from "../job/job-origin.ts";
import type { Transform } from "../job/transform.ts";
import type { Job, KindMap, Pod, Resource } from "../kube/client/objects.ts";

const JOB_VARIABLES = new Set([...API_VARIABLES, TENANT_VARIABLE]);
const DASK = { labels: DASK_LABELS, variables: new Set([...FLOW_RUN_VARIABLES, SCHEDULER_ADDRESS]) };

/** The object with only those fields that are read; other resources as they are. */
export function transformed<R extends Resource>(
  transform: Transform,
  resource: R,
  object: KindMap[R],
): KindMap[R] {
  if (resource === "jobs") return transformedJob(transform, object as Job) as KindMap[R];
  return resource === "pods" ? (transformedPod(transform, object as Pod) as KindMap[R]) : object;
}

/** With all its labels, which -o json prints, and its template. */
function transformedJob(transform: Transform, job: Job): Job {
  const kept = transform.job(job);
  const { labels = {} } = job.metadata;
  const spec = job.spec.template?.spec;
  const template = spec && { spec: transform.podSpec(spec, JOB_VARIABLES) };
  return {
    metadata: { ...kept.metadata, labels },
    spec: template === undefined ? kept.spec : { ...kept.spec, template },
    status: kept.status,
  };
}

function transformedPod(transform: Transform, pod: Pod): Pod {
  const isDask = DASK_LABELS.some((label) => pod.metadata.labels?.[label] !== undefined);
  return transform.pod(pod, isDask ? DASK : undefined);
}
