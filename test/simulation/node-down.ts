// A node that loses its power, and comes back: what its pods, the node controller and the kubelet then do.

import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { asJob, asPod, timestamp } from "../fakes/kubernetes/kube-object.ts";
import type { KubeObject } from "../fakes/kubernetes/kube-object.ts";
import { terminated } from "../fakes/kubernetes/pod-status.ts";
import { KUBERNETES } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** When the node controller misses the node's lease, and when it deletes its pods (pkg/controller/nodelifecycle, tainteviction). */
const UNKNOWN_AFTER_MS = 40_000;
const EVICTED_AFTER_MS = 340_000;

/** Takes the cluster's node down; the answer brings it back. */
export function takeNodeDown(scene: Scene, cluster: number): (() => void) | undefined {
  const kube = scene.world.kubes[cluster];
  if (kube === undefined || scene.acts.has("node down", cluster, scene.world.kubes.length)) return undefined;
  scene.tell("its node goes down", "Kubernetes");
  const release = kube.holdNode();
  for (const pod of unended(kube)) {
    const run = scene.runOf(asJob(pod));
    if (run !== undefined) scene.cause(run, "its node goes down", true);
    if (pod.status?.["phase"] === "Running") scene.lostPods.add(pod.metadata.uid);
  }
  let isUp = false;
  const after = (ms: number, act: () => void): void => {
    scene.world.time.after(ms, () => {
      if (!isUp) scene.as(KUBERNETES, act);
    });
  };
  after(UNKNOWN_AFTER_MS, () => miss(scene, kube));
  after(EVICTED_AFTER_MS, () => evict(scene, kube));
  return () => {
    isUp = true;
    scene.tell("its node is back", "Kubernetes");
    scene.as(KUBERNETES, () => restart(scene, kube));
    release();
  };
}

function miss(scene: Scene, kube: FakeKubernetes): void {
  setNode(scene, kube, "Unknown");
  for (const pod of unended(kube)) {
    // Only of pods that are ready; no reason is given.
    const isReady = conditionsOf(pod).some(({ type, status }) => type === "Ready" && status === "True");
    if (isReady) setCondition(scene, kube, pod, { type: "Ready", status: "False" });
  }
}

function evict(scene: Scene, kube: FakeKubernetes): void {
  const message = "Taint manager: deleting due to NoExecute taint";
  const disruption = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message };
  for (const pod of unended(kube)) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const run = scene.runOf(asJob(pod));
    if (run !== undefined) scene.cause(run, "its pod is taken from a node that is down", true);
    setCondition(scene, kube, pod, disruption);
    kube.remove("pods", pod.metadata.namespace, pod.metadata.name);
  }
}

/** Of containers that ran, containerd does not know how they ended. */
function restart(scene: Scene, kube: FakeKubernetes): void {
  setNode(scene, kube, "True");
  const at = timestamp(new Date(scene.nowMs));
  for (const pod of unended(kube)) {
    if (!scene.lostPods.has(pod.metadata.uid)) continue;
    const status = terminated(asPod(pod), at, { exitCode: 255, reason: "Unknown" });
    kube.put("pods", { ...pod, status: { ...pod.status, ...status } });
  }
}

/** Pods on the node that have not ended. */
function unended(kube: FakeKubernetes): readonly KubeObject[] {
  return kube.list("pods").filter((pod) => {
    const phase = asPod(pod).status.phase;
    return asPod(pod).spec.nodeName !== undefined && phase !== "Succeeded" && phase !== "Failed";
  });
}

function setNode(scene: Scene, kube: FakeKubernetes, status: "True" | "Unknown"): void {
  for (const node of kube.list("nodes")) {
    const lastTransitionTime = timestamp(new Date(scene.nowMs));
    const conditions = [{ type: "Ready", status, lastTransitionTime }];
    kube.put("nodes", { ...node, status: { ...node.status, conditions } });
  }
}

function conditionsOf(pod: KubeObject) {
  return asPod(pod).status.conditions ?? [];
}

// oxlint-disable-next-line max-params -- where, and what
function setCondition(
  scene: Scene,
  kube: FakeKubernetes,
  pod: KubeObject,
  condition: { readonly type: string; readonly status: string },
): void {
  const lastTransitionTime = timestamp(new Date(scene.nowMs));
  const others = conditionsOf(pod).filter(({ type }) => type !== condition.type);
  const conditions = [...others, { ...condition, lastTransitionTime }];
  kube.put("pods", { ...pod, status: { ...pod.status, conditions } });
}
