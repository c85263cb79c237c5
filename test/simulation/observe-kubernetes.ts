// Facts about Jobs, from every change in a cluster.

import { arrayIn, objectIn } from "../../src/base/json.ts";
import { ownerOf } from "../../src/job/owner.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { asJob } from "../fakes/kubernetes/kube-object.ts";
import type { KubeObject } from "../fakes/kubernetes/kube-object.ts";
import { daskRunOf, hasMaker, isOfFlow } from "./flow-objects.ts";
import type { JobFact } from "./facts.ts";
import type { JobEvent, Scene } from "./scene.ts";

export function watchKubernetes(scene: Scene, kube: FakeKubernetes, cluster: number): void {
  kube.on(({ kind, version: { type, object } }) => {
    const isDeletion = object.metadata.deletionTimestamp !== undefined || kind === "DELETED";
    if (isDeletion) noteDeletion(scene, object);
    if (type.plural !== "jobs" || isOfFlow(object)) return;
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

/** Of what flows have made nothing is deleted that they still need; Jobs of their own only by `cleanup`, once the run is over. */
function noteDeletion(scene: Scene, object: KubeObject): void {
  const { kind, name } = scene.actor;
  if (kind !== "agent" && kind !== "cleanup") return;
  const isOwn = isOfFlow(object);
  const run = isOwn ? scene.runOf(asJob(object)) : daskRunOf(scene, object);
  const { type } = run?.states.at(-1) ?? {};
  if (run === undefined || run.isDeleted) return;
  const isActive = type === "Running" || type === "Submitted";
  if (isOwn ? kind === "agent" || isActive : isActive && hasMaker(scene, object))
    scene.violated(
      "nobody acts on what is another's",
      `${name} deletes ${object.metadata.name} of ${run.name}`,
    );
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
