// Inventory: drops the fields of Jobs and pods that nothing here reads, as each page arrives: 10,000 of them fit into memory.

import { RUN_VARIABLES } from "../dask/attribute.ts";
import { SCHEDULER_ADDRESS } from "../dask/recognise.ts";
import { API_VARIABLES, TENANT_VARIABLE } from "../job/job-origin.ts";
import { defined } from "../job/observe/transform.ts";
import type { Container, Job, KindMap, Meta, Pod, PodSpec, Resource } from "../kube/client/objects.ts";

const KEPT_VARIABLES = new Set([...RUN_VARIABLES, SCHEDULER_ADDRESS, ...API_VARIABLES, TENANT_VARIABLE]);

/** The object with only those fields that its type names; other resources as they are. */
export function transform<R extends Resource>(resource: R, object: KindMap[R]): KindMap[R] {
  if (resource === "jobs") return transformJob(object as Job) as KindMap[R];
  return resource === "pods" ? (transformPod(object as Pod) as KindMap[R]) : object;
}

function transformJob({ metadata, spec, status }: Job): Job {
  const { backoffLimit, parallelism, completions, activeDeadlineSeconds, suspend, podFailurePolicy } = spec;
  const pod = spec.template?.spec;
  const template = pod && { spec: transformPodSpec(pod) };
  return {
    metadata: withoutManagedFields(metadata),
    spec: defined({
      backoffLimit,
      parallelism,
      completions,
      activeDeadlineSeconds,
      suspend,
      podFailurePolicy,
      template,
    }),
    status,
  };
}

function transformPod({ metadata, spec, status }: Pod): Pod {
  return { metadata: withoutManagedFields(metadata), spec: transformPodSpec(spec), status };
}

function transformPodSpec(spec: PodSpec): PodSpec {
  const { nodeName, serviceAccountName, schedulerName, restartPolicy } = spec;
  const containers = spec.containers?.map(transformContainer);
  const initContainers = spec.initContainers?.map(transformContainer);
  return defined({ nodeName, serviceAccountName, schedulerName, restartPolicy, containers, initContainers });
}

function transformContainer({ name, image, restartPolicy, resources, env = [] }: Container): Container {
  const kept = env.filter((variable) => KEPT_VARIABLES.has(variable.name));
  return defined({ name, image, restartPolicy, resources, env: kept.length === 0 ? undefined : kept });
}

function withoutManagedFields(metadata: Meta): Meta {
  if (!("managedFields" in metadata)) return metadata;
  const { managedFields: _, ...kept } = metadata as Meta & { readonly managedFields: unknown };
  return kept;
}
