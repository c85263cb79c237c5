// Inventory: drops the fields of Jobs and pods that nothing here reads, as each page arrives: 10,000 of them fit into memory.

import { RUN_VARIABLES } from "../dask/attribute.ts";
import { SCHEDULER_ADDRESS } from "../dask/recognise.ts";
import { API_VARIABLES } from "../job/api-address.ts";
import type { Container, Job, KindMap, Meta, Pod, PodSpec, Resource } from "../kube/client/objects.ts";

const KEPT_VARIABLES = new Set([...RUN_VARIABLES, SCHEDULER_ADDRESS, ...API_VARIABLES]);

/** The object with only those fields that its type names; other resources as they are. */
export function transform<R extends Resource>(resource: R, object: KindMap[R]): KindMap[R] {
  if (resource === "jobs") return transformJob(object as Job) as KindMap[R];
  return resource === "pods" ? (transformPod(object as Pod) as KindMap[R]) : object;
}

function transformJob({ metadata, spec, status }: Job): Job {
  const { backoffLimit, parallelism, completions, activeDeadlineSeconds, suspend, template } = spec;
  const pod = template?.spec;
  return {
    metadata: withoutManagedFields(metadata),
    spec: {
      ...(backoffLimit === undefined ? {} : { backoffLimit }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(completions === undefined ? {} : { completions }),
      ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
      ...(suspend === undefined ? {} : { suspend }),
      ...(pod === undefined ? {} : { template: { spec: transformPodSpec(pod) } }),
    },
    status,
  };
}

function transformPod({ metadata, spec, status }: Pod): Pod {
  return { metadata: withoutManagedFields(metadata), spec: transformPodSpec(spec), status };
}

function transformPodSpec({
  nodeName,
  serviceAccountName,
  restartPolicy,
  containers,
  initContainers,
}: PodSpec): PodSpec {
  return {
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
    ...(containers === undefined ? {} : { containers: containers.map(transformContainer) }),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(transformContainer) }),
  };
}

function transformContainer({ name, image, restartPolicy, resources, env }: Container): Container {
  const kept = env?.filter((variable) => KEPT_VARIABLES.has(variable.name)) ?? [];
  return {
    name,
    ...(image === undefined ? {} : { image }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
    ...(resources === undefined ? {} : { resources }),
    ...(kept.length === 0 ? {} : { env: kept }),
  };
}

function withoutManagedFields(metadata: Meta): Meta {
  if (!("managedFields" in metadata)) return metadata;
  const { managedFields: _, ...kept } = metadata as Meta & { readonly managedFields: unknown };
  return kept;
}
