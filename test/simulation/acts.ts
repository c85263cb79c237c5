// What acts do at the moment they begin, and when they end. Those that only last are in active-acts.ts.

import { isFinished } from "../../src/prefect1/states.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { asPod, timestamp } from "../fakes/kubernetes/kube-object.ts";
import type { KubeObject } from "../fakes/kubernetes/kube-object.ts";
import { evicted } from "../fakes/kubernetes/pod-status.ts";
import { asJob } from "../fakes/kubernetes/kube-object.ts";
import { cleanUp } from "./cleanup.ts";
import { takeNodeDown } from "./node-down.ts";
import type { RunFact } from "./facts.ts";
import type { ActKind, ActPlan } from "./plan.ts";
import type { Deployed, Scene } from "./scene.ts";
import { KUBERNETES, PERSON } from "./scene.ts";

/** What to do when the act ends. */
type End = (() => void) | undefined;
type Begin = (scene: Scene, act: ActPlan) => End;

const CLOCK_JUMPS_MS = [3_600_000, -3_600_000, 90_000, -90_000, 5_000, -5_000];

/** Begins an act; the returned function ends it. */
export function begin(scene: Scene, act: ActPlan): End {
  const start = BEGIN[act.kind];
  if (start !== undefined) return start(scene, act);
  scene.tell(`${act.kind} for ${act.forS} s`, "the world");
  return () => scene.tell(`no more: ${act.kind}`, "the world");
}

const BEGIN: Readonly<Partial<Record<ActKind, Begin>>> = {
  kill: onReplica((scene, replica, { forS }) => {
    scene.tell(`is killed for ${forS} s`, replica.name);
    replica.kill();
    return () => replica.process === undefined && replica.start();
  }),
  pause: onReplica((scene, { process, name }, { forS }) => {
    scene.tell(`stands still for ${forS} s`, name);
    process?.pause();
    return () => process?.resume();
  }),
  "set clock": onReplica((scene, { process, name }, { target }) => {
    const jumpMs = CLOCK_JUMPS_MS[target % CLOCK_JUMPS_MS.length] ?? 0;
    scene.tell(`its clock is set ${jumpMs / 1_000} s ahead`, name);
    if (process !== undefined) process.skewMs += jumpMs;
    return () => {
      if (process !== undefined) process.skewMs -= jumpMs;
    };
  }),
  "cut watches": onCluster((kube) => kube.dropWatches()),
  "silent watches": onCluster((kube) => kube.muteWatches()),
  "forget history": onCluster((kube) => kube.compact()),
  "evict a pod": onObject("pods", (scene, kube, pod) => {
    const run = scene.runOf(asJob(pod));
    if (run === undefined || pod.status?.["phase"] !== "Running") return;
    scene.tell(`evicts the pod of ${run.name}`, "Kubernetes");
    scene.cause(run, "its pod is evicted", true);
    const status = evicted(
      asPod(pod),
      timestamp(new Date(scene.nowMs)),
      "The node was low on resource: memory.",
    );
    scene.as(KUBERNETES, () => void kube.put("pods", { ...pod, status: { ...pod.status, ...status } }));
  }),
  "node down": (scene, { target }) => takeNodeDown(scene, target % scene.world.kubes.length),
  "delete a Job": onObject("jobs", (scene, kube, { metadata }) => {
    const run = scene.runOf({ metadata } as never);
    if (run !== undefined) scene.cause(run, "a person deletes its Job");
    scene.as(PERSON, () => kube.remove("jobs", metadata.namespace, metadata.name));
  }),
  "delete a pod": onObject("pods", (scene, kube, { metadata }) => {
    const run = scene.runOf({ metadata } as never);
    if (run === undefined) return;
    scene.tell(`deletes a pod of ${run.name}`, "a person");
    scene.cause(run, "a person deletes its pod", true);
    scene.as(PERSON, () => kube.remove("pods", metadata.namespace, metadata.name));
  }),
  "suspend a Job": onObject("jobs", (scene, kube, job) => {
    const { namespace, name, uid, deletionTimestamp } = job.metadata;
    const run = scene.runOf(asJob(job));
    if (run === undefined || deletionTimestamp !== undefined || scene.jobs.get(uid)?.endedMs !== undefined)
      return;
    const suspend = (isSuspended: boolean): void => {
      const current = kube.get("jobs", namespace, name);
      if (current?.metadata.uid !== uid) return;
      scene.tell(`${isSuspended ? "suspends" : "resumes"} Job ${name} of ${run.name}`, "a person");
      const spec = { ...current.spec, suspend: isSuspended };
      scene.as(PERSON, () => void kube.put("jobs", { ...current, spec }));
    };
    suspend(true);
    return () => suspend(false);
  }),
  "cancel a run": onRun((scene, run, state) => {
    if (isFinished(state)) return;
    set(scene, run, state === "Running" || state === "Cancelling" ? "Cancelling" : "Cancelled");
  }),
  "set a run to Cancelled": onRun((scene, run) => set(scene, run, "Cancelled")),
  "set a run to Failed": onRun((scene, run) => set(scene, run, "Failed")),
  "set a run to Scheduled": onRun((scene, run, state) => {
    if (isFinished(state)) set(scene, run, "Scheduled");
  }),
  "clean up": (scene, { target }) => {
    const { kubes, prefects } = scene.world;
    void cleanUp(scene, target % kubes.length, target % prefects.length);
    return undefined;
  },
  "delete a run": onRun((scene, run) => {
    scene.tell(`deletes ${run.name}`, "a person");
    scene.as(PERSON, () => void scene.world.prefects[run.prefect]?.deleteFlowRun(run.id));
  }),
  "delete an agent's row": (scene, { target }) => {
    const prefect = scene.world.prefects[target % scene.world.prefects.length];
    const agents = prefect?.agents() ?? [];
    const row = agents[target % agents.length];
    if (row === undefined) return undefined;
    scene.tell(`deletes the row of agent "${row.name}"`, "a person");
    scene.as(PERSON, () => prefect?.deleteAgent(row.id));
    return undefined;
  },
};

function onReplica(act: (scene: Scene, replica: Deployed, plan: ActPlan) => unknown): Begin {
  return (scene, plan) => {
    const replica = scene.replicas[plan.target % scene.replicas.length];
    if (replica?.process === undefined) return undefined;
    const end = act(scene, replica, plan);
    return typeof end === "function" ? () => void end() : undefined;
  };
}

function onCluster(act: (kube: FakeKubernetes) => void): Begin {
  return (scene, { kind, target }) => {
    const kube = scene.world.kubes[target % scene.world.kubes.length];
    scene.tell(kind, "the world");
    if (kube !== undefined) act(kube);
    return undefined;
  };
}

function onObject(
  resource: "jobs" | "pods",
  act: (scene: Scene, kube: FakeKubernetes, object: KubeObject) => End | void,
): Begin {
  return (scene, { target }) => {
    const all = scene.world.kubes.flatMap((kube) => kube.list(resource).map((object) => ({ kube, object })));
    const found = all[target % all.length];
    return found === undefined ? undefined : (act(scene, found.kube, found.object) ?? undefined);
  };
}

function onRun(act: (scene: Scene, run: RunFact, state: string) => void): Begin {
  return (scene, { target }) => {
    const runs = [...scene.runs.values()].filter(({ isDeleted }) => !isDeleted);
    const run = runs[target % runs.length];
    if (run === undefined) return undefined;
    run.isTouched = true;
    act(scene, run, scene.world.state(run.id) ?? "");
    return undefined;
  };
}

function set(scene: Scene, run: RunFact, type: string): void {
  const prefect = scene.world.prefects[run.prefect];
  scene.as(PERSON, () => prefect?.setState(run.id, { type, message: "by hand" }));
}
