// What flows make in the cluster beside their own pods: Jobs, and Dask clusters, which are theirs until they end.

import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import type { Job } from "../../src/kube/client/objects.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { KubeObject } from "../fakes/kubernetes/kube-object.ts";
import { timestamp } from "../fakes/kubernetes/kube-object.ts";
import { NODE } from "../fakes/kubernetes/pod-outcomes.ts";
import type { RunFact } from "./facts.ts";
import type { Scene } from "./scene.ts";

const OWN_LABEL = "made-by-the-flow";
/** The uid of the pod whose flow made a Dask pod. */
const MAKER = "made-by-pod";
const CLUSTER_LABEL = "dask.org/cluster-name";

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> | undefined };
}

/** Whether a flow has made the Job, not an agent. */
export function isOfFlow({ metadata }: Labelled): boolean {
  return metadata.labels?.[OWN_LABEL] !== undefined;
}

/** The flow run whose Dask pod this is, by the cluster's name. */
export function daskRunOf(scene: Scene, { metadata }: Labelled): RunFact | undefined {
  const cluster = metadata.labels?.[CLUSTER_LABEL];
  return cluster === undefined
    ? undefined
    : scene.runs.get(cluster.slice("dask-".length, -"-12345678-0".length));
}

/** Whether the flow that made the Dask pod runs. */
export function hasMaker(scene: Scene, { metadata }: KubeObject): boolean {
  const maker = metadata.annotations?.[MAKER] ?? "";
  const pods = scene.world.kubes.flatMap((kube) => kube.list("pods"));
  return pods.some(
    (pod) =>
      pod.metadata.uid === maker &&
      pod.metadata.deletionTimestamp === undefined &&
      pod.status?.["phase"] === "Running" &&
      !scene.lostPods.has(maker),
  );
}

export interface FlowObjects {
  /** Makes what the run's plan says. */
  readonly make: () => void;
  /** Takes away what the flow closes at its end. */
  readonly close: () => void;
}

/** What the flow in this pod makes. */
export function flowObjects(
  scene: Scene,
  run: RunFact,
  { kube, pod }: { readonly kube: FakeKubernetes; readonly pod: Job["metadata"] },
): FlowObjects {
  const { namespace, uid } = pod;
  const pods: string[] = [];
  const makeDask = (): void => {
    const cluster = `dask-${run.id}-${scene.world.newId().slice(0, 8)}-0`;
    const at = timestamp(new Date(scene.nowMs));
    for (const role of ["scheduler", "worker"]) {
      const name = `${cluster}-${role}`;
      pods.push(name);
      const labels = { app: "dask", [CLUSTER_LABEL]: cluster, "dask.org/component": role };
      const containerStatuses = [
        { name: "dask", ready: true, restartCount: 0, state: { running: { startedAt: at } } },
      ];
      kube.put("pods", {
        metadata: { name, namespace, labels, annotations: { [MAKER]: uid } },
        spec: { nodeName: NODE, containers: [{ name: "dask", image: "dask:1" }] },
        status: { phase: "Running", startTime: at, containerStatuses },
      });
    }
    scene.tell(`of ${run.name} makes Dask cluster ${cluster}`);
  };
  const makeJob = (): void => {
    const name = `own-${scene.world.newId().slice(0, 8)}`;
    // As of a flow that copies its own pod's labels.
    const labels = { [FLOW_RUN_LABEL]: run.id, [OWN_LABEL]: "yes" };
    const containers = [{ name: "main", image: "tool:1" }];
    const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
    const spec = { backoffLimit: 0, completions: 1, parallelism: 1, template };
    kube.put("jobs", { metadata: { name, namespace, labels }, spec });
    scene.tell(`of ${run.name} makes Job ${name}`);
  };
  return {
    make: () => {
      if (run.plan.makes === "a Dask cluster") makeDask();
      if (run.plan.makes === "a Job") makeJob();
    },
    close: () => {
      for (const name of pods.splice(0)) kube.remove("pods", namespace, name);
    },
  };
}
