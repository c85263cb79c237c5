// Objects as Prefect and Dask leave them behind, with busybox as their image.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { mustKubectl, serverMinor } from "./kubectl.ts";

/** Exits with 0 at once. */
export const DONE = "exit 0";
/** Runs until SIGTERM. */
export const WORKS = "trap 'exit 0' TERM; while true; do sleep 1; done";

/** A shell script, or a pod that has more than the script. */
type Flow = string | PodFields;

interface PodFields {
  readonly script: string;
  /** Fields of its container and of its spec, and of a Job's pod the labels. */
  readonly container?: JsonObject;
  readonly pod?: JsonObject;
  readonly podLabels?: JsonObject;
}

function fieldsOf(flow: Flow): PodFields {
  return typeof flow === "string" ? { script: flow } : flow;
}

function podSpec({ script, container, pod }: PodFields): JsonObject {
  const main = {
    name: "flow",
    image: "busybox:latest",
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", script],
    ...container,
  };
  return { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [main], ...pod };
}

/** A Job with these labels, also on its pod, unless that has its own. */
export function job(name: string, labels: JsonObject, flow: Flow): JsonObject {
  const fields = fieldsOf(flow);
  const template = { metadata: { labels: fields.podLabels ?? labels }, spec: podSpec(fields) };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels },
    spec: { backoffLimit: 0, template },
  };
}

/** A Job as Prefect 1 labels it. */
export function flowJob(name: string, flowRunId: string, script: string): JsonObject {
  return job(name, { "prefect.io/flow_run_id": flowRunId }, script);
}

/** A pod without an owner. */
export function pod(name: string, labels: JsonObject, flow: Flow): JsonObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: podSpec(fieldsOf(flow)) };
}

/** The pod with a scheduling gate: it stays Pending until `ungate`. */
export function gated(object: JsonObject): JsonObject {
  return { ...object, spec: { ...objectIn(object["spec"]), schedulingGates: [{ name: "test/gate" }] } };
}

/** Lets a gated pod start. */
export function ungate(namespace: string, name: string): void {
  const patch = JSON.stringify({ spec: { schedulingGates: null } });
  mustKubectl(["patch", "pod", name, "-n", namespace, "--type=merge", "-p", patch]);
}

/** A pod of a classic Dask cluster; the scheduler (remote mode) if its name contains `scheduler`. */
export function daskPod(name: string, cluster: string, flow: Flow): JsonObject {
  const role = name.includes("scheduler") ? "scheduler" : "worker";
  const labels = { app: "dask", "dask.org/cluster-name": cluster, "dask.org/component": role };
  return pod(name, labels, flow);
}

/** Service and PodDisruptionBudget of a classic Dask cluster of remote mode. */
export function daskFront(cluster: string): JsonObject[] {
  const labels = { "dask.org/cluster-name": cluster, "dask.org/component": "scheduler" };
  return [
    service(cluster, labels, labels),
    {
      apiVersion: serverMinor() < 21 ? "policy/v1beta1" : "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: cluster },
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    },
  ];
}

/** A Service with a selector. */
export function service(name: string, selector: JsonObject, labels: JsonObject = {}): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels },
    spec: { selector, ports: [{ port: 8786 }] },
  };
}

/** Creates them in the namespace. */
export function apply(namespace: string, items: readonly JsonObject[]): void {
  const list = { apiVersion: "v1", kind: "List", items };
  mustKubectl(["apply", "-n", namespace, "-f", "-"], JSON.stringify(list));
}

/** Waits for all objects, such as `pod/a`, to meet the condition, such as `condition=Ready`. Rejects after two minutes. */
export async function waitFor(namespace: string, what: readonly string[], condition: string): Promise<void> {
  // Not with kubectl(), which blocks the fakes in this process.
  const args = ["wait", ...what, `--for=${condition}`, "-n", namespace, "--timeout=120s"];
  await promisify(execFile)("kubectl", args);
}

/** Existing objects as `Pod/name`, without those that are being deleted or have an owner. */
export function remaining(namespace: string): readonly string[] {
  const resources = "jobs,pods,services,poddisruptionbudgets";
  const list = JSON.parse(mustKubectl(["get", resources, "-n", namespace, "-o", "json"])) as {
    readonly items: readonly RemainingObject[];
  };
  return list.items
    .filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined && metadata.ownerReferences === undefined,
    )
    .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    .sort();
}

interface RemainingObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly object[];
  };
}
