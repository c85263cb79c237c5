// Facts about Jobs, from every change in a cluster.

import { arrayIn, objectIn } from "../../src/base/json.ts";
import { ownerOf } from "../../src/job/owner.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { asJob } from "../fakes/kubernetes/kube-object.ts";
import type { KubeObject } from "../fakes/kubernetes/kube-object.ts";
import type { JobFact } from "./facts.ts";
import type { JobEvent, Scene } from "./scene.ts";

export function watchKubernetes(scene: Scene, kube: FakeKubernetes, cluster: number): void {
  kube.on(({ kind, version: { type, object } }) => {
    if (type.plural !== "jobs") return;
    const known = scene.jobs.get(object.metadata.uid);
    const job = known ?? newJob(scene, object, cluster);
    if (job === undefined) return;
    job.owner = ownerOf(object.metadata);
    noteEnd(scene, job, object);
    const tell = (what: JobEvent["kind"]): void => {
      const by = what === "gone" ? (job.deletedBy ?? scene.actor) : scene.actor;
      for (const { onJob } of scene.watchers) onJob?.({ kind: what, job, by, object: asJob(object) });
    };
    if (known === undefined) tell("created");
    const isDeletion = object.metadata.deletionTimestamp !== undefined || kind === "DELETED";
    if (isDeletion && job.deletedMs === undefined) {
      job.deletedMs = scene.nowMs;
      job.deletedBy = scene.actor;
      scene.tell(`deletes Job ${job.name} of ${job.run.name}`);
      tell("deletion");
    }
    if (kind === "DELETED") {
      job.isGone = true;
      tell("gone");
    }
  });
}

function newJob(scene: Scene, object: KubeObject, cluster: number): JobFact | undefined {
  const run = scene.runOf(asJob(object));
  if (run === undefined) return undefined;
  const { uid, name, namespace = "" } = object.metadata;
  const job: JobFact = {
    uid,
    name,
    namespace,
    cluster,
    run,
    createdMs: scene.nowMs,
    by: scene.actor,
    owner: undefined,
    endedMs: undefined,
    hasFailed: false,
    deletedMs: undefined,
    deletedBy: undefined,
    isGone: false,
  };
  run.jobs.push(job);
  scene.jobs.set(uid, job);
  scene.tell(`creates Job ${name} of ${run.name} in ${namespace} of cluster ${cluster}`);
  return job;
}

function noteEnd(scene: Scene, job: JobFact, object: KubeObject): void {
  if (job.endedMs !== undefined) return;
  for (const condition of arrayIn(object.status?.["conditions"]).map(objectIn)) {
    const { type, status, reason } = condition;
    if (status !== "True" || (type !== "Complete" && type !== "Failed")) continue;
    job.endedMs = scene.nowMs;
    job.hasFailed = type === "Failed";
    scene.tell(`Job ${job.name} of ${job.run.name} is ${type} (${String(reason)})`);
  }
}
