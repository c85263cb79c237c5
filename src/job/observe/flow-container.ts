// The containers of a pod, and which of them runs the flow. Webhooks put proxies in front of it, so neither its place nor its
// name tells.

import type { Container, ContainerStatus, Pod, Terminated } from "../../kube/client/objects.ts";

/** The name of the container that runs the flow in Jobs that the agent builds. */
const FLOW_CONTAINER = "flow";
/** The flow's container is given its run's id: Prefect 0.x and 1.x, then 2 and 3. */
export const FLOW_RUN_VARIABLES = ["PREFECT__CONTEXT__FLOW_RUN_ID", "PREFECT__FLOW_RUN_ID"];
export const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The name of the container that runs the flow; undefined: the pod has no containers. */
export function flowContainerName({ metadata, spec }: Pod): string | undefined {
  const { containers = [] } = spec;
  const marked = metadata.annotations?.[DEFAULT_CONTAINER];
  // Others may be told for which run they work, too.
  const given = containers.filter(runsFlow);
  const candidates = given.length > 0 ? given : containers;
  const found =
    candidates.find(({ name }) => name === FLOW_CONTAINER) ??
    candidates.find(({ name }) => name === marked) ??
    candidates[0];
  return found?.name;
}

/** Whether the container is given the id of a flow run. */
export function runsFlow({ env }: Container): boolean {
  return env?.some(({ name }) => FLOW_RUN_VARIABLES.includes(name)) === true;
}

/** The status of the container that runs the flow. */
export function flowStatus(pod: Pod): ContainerStatus | undefined {
  const name = flowContainerName(pod);
  return pod.status.containerStatuses?.find((status) => status.name === name);
}

/** The spec of the container that runs the flow. */
export function flowSpec(pod: Pod): Container | undefined {
  const name = flowContainerName(pod);
  return pod.spec.containers?.find((container) => container.name === name);
}

/** The init containers, then the containers. */
export function containersOf({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
}

/** The status of each, in the same order. */
export function containerStatuses({ status }: Pod): readonly ContainerStatus[] {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}

/** The spec of the container with this status; without limits of its own, those of the pod hold. */
export function specOf(pod: Pod, status: ContainerStatus): Container | undefined {
  const found = containersOf(pod).find(({ name }) => name === status.name);
  const { resources: { limits: ofPod } = {} } = pod.spec;
  if (found === undefined || ofPod === undefined) return found;
  const { resources } = found;
  return { ...found, resources: { ...resources, limits: { ...ofPod, ...resources?.limits } } };
}

/** How the container last terminated; it may have been started again since. */
export function lastEnd(status: ContainerStatus | undefined): Terminated | undefined {
  return status?.state?.terminated ?? status?.lastState?.terminated;
}
