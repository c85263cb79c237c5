// Recognises the objects of Dask clusters: of classic KubeCluster (bare pods), the operator and dask-gateway. The labels are
// from the sources of dask-kubernetes 0.8 to 2024.4.2 and of the operator.

import { objectIn, textIn } from "../base/json.ts";
import type { ObservedCluster } from "./dask-cluster.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";

/** The cluster's name, on pods and Services of classic and operator clusters. */
export const CLUSTER_LABEL = "dask.org/cluster-name";
/** The cluster's name, on pods of dask-gateway. */
export const GATEWAY_LABEL = "gateway.dask.org/cluster";

const COMPONENT_LABEL = "dask.org/component";
/** The role, of versions 0.8 and 0.9: `dask-worker`. */
const OLD_COMPONENT_LABEL = "component";
const GATEWAY_COMPONENT_LABEL = "app.kubernetes.io/component";
const APP_LABEL = "app";
const WORKER_GROUP_LABEL = "dask.org/workergroup-name";
const OPERATOR_GROUP = "kubernetes.dask.org/";
/** All labels by which a Dask pod is recognised. */
export const DASK_LABELS = [
  CLUSTER_LABEL,
  GATEWAY_LABEL,
  COMPONENT_LABEL,
  WORKER_GROUP_LABEL,
  OLD_COMPONENT_LABEL,
  GATEWAY_COMPONENT_LABEL,
  APP_LABEL,
];
export const SCHEDULER_ADDRESS = "DASK_SCHEDULER_ADDRESS";
/** The length of the suffix that generateName appends. */
const POD_SUFFIX_LENGTH = 5;
/** `{uuid}` of a name template: the first ten characters of a UUID. */
const UUID_ENDING = /-[0-9a-f]{8}-[0-9a-f]$/;
/** `etl-20261201-1`: a date that a person chose. */
const DATE_ENDING = /-20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-\d$/;

/** A pod's cluster, and its role there. */
export interface Membership {
  readonly kind: ObservedCluster["kind"];
  readonly cluster: string;
  readonly role: "scheduler" | "worker";
}

/** The cluster that a pod belongs to; undefined for pods that are not Dask's, even if they have similar labels. */
export function membershipOf(
  pod: Pod,
  isOperatorCluster: (namespace: string, cluster: string) => boolean = () => false,
): Membership | undefined {
  const labels = pod.metadata.labels ?? {};
  const gateway = labels[GATEWAY_LABEL] ?? "";
  const isScheduler = labels[GATEWAY_COMPONENT_LABEL] === "dask-scheduler";
  if (gateway !== "")
    return { kind: "gateway", cluster: gateway, role: isScheduler ? "scheduler" : "worker" };
  const cluster = labels[CLUSTER_LABEL] ?? "";
  const role = roleOf(labels);
  if (role === undefined) return undefined;
  if (cluster === "") return workerWithoutClusterLabel(pod);
  if (isOperatorPod(pod.metadata) || isOperatorCluster(pod.metadata.namespace, cluster))
    return { kind: "operator", cluster, role };
  return isBare(pod.metadata) ? { kind: "classic", cluster, role } : undefined;
}

/**
 * The classic cluster of a Service or PodDisruptionBudget, which has the cluster's name and selects its pods. Budgets up to
 * 2021.10 have no labels; a Service with another name that selects a cluster's pods belongs to a user.
 */
export function clusterSelectedBy(object: AnyObject): string | undefined {
  const { name } = object.metadata;
  const selector = objectIn(object.spec?.["selector"]);
  const selected =
    textIn(selector[CLUSTER_LABEL]) ?? textIn(objectIn(selector["matchLabels"])[CLUSTER_LABEL]);
  return selected === name && isBare(object.metadata) ? name : undefined;
}

/** Whether no other cluster can have this name: it ends with dask-kubernetes' `{uuid}`. */
export function isUniqueName(cluster: string): boolean {
  return UUID_ENDING.test(cluster) && !DATE_ENDING.test(cluster);
}

/** Whether a controller manages the object, and so would create it again. */
export function isControlled(meta: Pick<Meta, "ownerReferences">): boolean {
  return (meta.ownerReferences ?? []).some((owner) => owner.controller === true);
}

/** The plain value of an environment variable in one of the pod's containers. */
export function variableOf(pod: Pick<Pod, "spec">, name: string): string | undefined {
  for (const container of pod.spec.containers ?? []) {
    const found = container.env?.find((variable) => variable.name === name)?.value;
    if (found !== undefined && found !== "") return found;
  }
  return undefined;
}

/** The host in the worker's DASK_SCHEDULER_ADDRESS (tcp://10.1.2.3:4567). */
export function schedulerHostOf(pod: Pod): string | undefined {
  const address = variableOf(pod, SCHEDULER_ADDRESS);
  const host = address === undefined ? undefined : /^\w+:\/\/(\[[^\]]+\]|[^:/]+)/.exec(address)?.[1];
  return host?.replace(/^\[|\]$/g, "");
}

function roleOf(labels: Readonly<Record<string, string>>): Membership["role"] | undefined {
  const role = labels[COMPONENT_LABEL] ?? labels[OLD_COMPONENT_LABEL]?.replace(/^dask-/, "");
  return role === "scheduler" || role === "worker" ? role : undefined;
}

function isOperatorPod({ labels, ownerReferences }: Meta): boolean {
  if (labels?.[WORKER_GROUP_LABEL] !== undefined) return true;
  return (ownerReferences ?? []).some(({ apiVersion }) => apiVersion.startsWith(OPERATOR_GROUP));
}

/** Not created by a controller. Users make the flow's Job or pod the owner of Dask pods (dask-kubernetes issue 210). */
function isBare({ ownerReferences }: Meta): boolean {
  return (ownerReferences ?? []).every(
    ({ kind, controller }) => controller !== true || kind === "Job" || kind === "Pod",
  );
}

/** A worker that a template left no name label; the Helm chart sets app=dask as well, but no scheduler address. */
function workerWithoutClusterLabel(pod: Pod): Membership | undefined {
  const { name, labels, ownerReferences } = pod.metadata;
  if (labels?.[APP_LABEL] !== "dask" || (ownerReferences ?? []).length > 0) return undefined;
  if (schedulerHostOf(pod) === undefined || name.length <= POD_SUFFIX_LENGTH) return undefined;
  return { kind: "classic", cluster: name.slice(0, -POD_SUFFIX_LENGTH).replace(/-$/, ""), role: "worker" };
}
