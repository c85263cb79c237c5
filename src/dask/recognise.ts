// What is Dask's: classic KubeCluster (bare pods), the operator's clusters, dask-gateway's; and what only looks like it.
// Labels of dask-kubernetes 0.8 to 2024.4.2 and of the operator, as their sources write them.

import { objectIn, textIn } from "../base/json.ts";
import type { ObservedCluster } from "./dask-cluster.ts";
import type { AnyObject, Meta, Pod } from "../kube/client/objects.ts";

/** The cluster's name, on pods and Services of classic and operator. */
export const CLUSTER_LABEL = "dask.org/cluster-name";
/** The cluster's name, on pods of dask-gateway. */
export const GATEWAY_LABEL = "gateway.dask.org/cluster";

const COMPONENT_LABEL = "dask.org/component";
const WORKER_GROUP_LABEL = "dask.org/workergroup-name";
const OPERATOR_GROUP = "kubernetes.dask.org/";
const SCHEDULER_ADDRESS = "DASK_SCHEDULER_ADDRESS";
/** What generateName puts behind the name of a cluster. */
const POD_SUFFIX_LENGTH = 5;
/** `{uuid}` of a name template: the first ten characters of a UUID. Who has it is one instance of a cluster. */
const UUID_ENDING = /-[0-9a-f]{8}-[0-9a-f]$/;

/** A pod's part in a cluster. */
export interface Membership {
  readonly kind: ObservedCluster["kind"];
  readonly cluster: string;
  readonly role: "scheduler" | "worker";
}

/** Whether the operator has a DaskCluster of this name. */
export type IsOperators = (namespace: string, cluster: string) => boolean;

/** The cluster that a pod belongs to; undefined for pods that are not Dask's, or whose labels only look so. */
export function membershipOf(pod: Pod, isOperators: IsOperators): Membership | undefined {
  const labels = pod.metadata.labels ?? {};
  const gateway = labels[GATEWAY_LABEL] ?? "";
  if (gateway !== "") return { kind: "gateway", cluster: gateway, role: gatewayRole(labels) };
  const cluster = labels[CLUSTER_LABEL] ?? "";
  const role = roleOf(labels);
  if (role === undefined) return undefined;
  if (cluster === "") return namelessWorker(pod);
  if (isOperatorPod(pod.metadata) || isOperators(pod.metadata.namespace, cluster))
    return { kind: "operator", cluster, role };
  return isBare(pod.metadata) ? { kind: "classic", cluster, role } : undefined;
}

/**
 * The classic cluster of a Service or PodDisruptionBudget: both are named as the cluster and select its pods. Budgets up
 * to 2021.10 carry no labels; a Service of another name that selects a cluster's pods is somebody's own.
 */
export function clusterOfFrontend(object: AnyObject): string | undefined {
  const { name } = object.metadata;
  const selector = objectIn(object.spec?.["selector"]);
  const selected =
    textIn(selector[CLUSTER_LABEL]) ?? textIn(objectIn(selector["matchLabels"])[CLUSTER_LABEL]);
  return selected === name && isBare(object.metadata) ? name : undefined;
}

/** Whether no other cluster can have this name: it ends with what dask-kubernetes puts in place of {uuid}. */
export function isUniqueName(cluster: string): boolean {
  return UUID_ENDING.test(cluster);
}

/** Whether a controller looks after the object: then it is the controller's, and would only come back. */
export function isControlled(meta: Pick<Meta, "ownerReferences">): boolean {
  return (meta.ownerReferences ?? []).some((owner) => owner.controller === true);
}

/** The value of a variable in the pod's containers, if it is written there in plain text. */
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

/** 0.10 and later say dask.org/component, 0.8 and 0.9 component; other values are runners and things of people. */
function roleOf(labels: Readonly<Record<string, string>>): Membership["role"] | undefined {
  const role = labels[COMPONENT_LABEL] ?? labels["component"]?.replace(/^dask-/, "");
  return role === "scheduler" || role === "worker" ? role : undefined;
}

function gatewayRole(labels: Readonly<Record<string, string>>): Membership["role"] {
  return labels["app.kubernetes.io/component"] === "dask-scheduler" ? "scheduler" : "worker";
}

function isOperatorPod({ labels, ownerReferences }: Meta): boolean {
  if (labels?.[WORKER_GROUP_LABEL] !== undefined) return true;
  return (ownerReferences ?? []).some(({ apiVersion }) => apiVersion.startsWith(OPERATOR_GROUP));
}

/** No controller made it. People let their Dask pods be owned by the flow's Job or pod (dask-kubernetes issue 210). */
function isBare({ ownerReferences }: Meta): boolean {
  return (ownerReferences ?? []).every(
    ({ kind, controller }) => controller !== true || kind === "Job" || kind === "Pod",
  );
}

/**
 * A worker whose cluster's name label got lost in a template: app=dask alone is anybody's (the Helm chart has it too), so
 * it must also know a scheduler. Its pods are called as the cluster, with a suffix.
 */
function namelessWorker(pod: Pod): Membership | undefined {
  const { name, labels, ownerReferences } = pod.metadata;
  if (labels?.["app"] !== "dask" || (ownerReferences ?? []).length > 0) return undefined;
  if (schedulerHostOf(pod) === undefined || name.length <= POD_SUFFIX_LENGTH) return undefined;
  return { kind: "classic", cluster: name.slice(0, -POD_SUFFIX_LENGTH).replace(/-$/, ""), role: "worker" };
}
