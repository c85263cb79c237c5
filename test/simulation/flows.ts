// The flows of a scene: what becomes of each pod, and the process in it.

import type { Job } from "../../src/kube/client/objects.ts";
import type { RunFact } from "./facts.ts";
import { flowObjects, isOfFlow } from "./flow-objects.ts";
import { FlowProcess } from "./flow-process.ts";
import type { Outcome } from "./plan.ts";
import { podLife } from "./pod-outcomes.ts";
import { FLOW } from "./scene.ts";
import type { Scene } from "./scene.ts";
import type { Flows } from "./world.ts";

export function flowsOf(scene: Scene): Flows {
  const attempts = new Map<string, number>();
  /** What the processes in pods do, by the pods' names. */
  const outcomes = new Map<string, Outcome>();
  return {
    script: (job, pod) => {
      const run = scene.runOf(job);
      if (run === undefined || isOfFlow(job)) return { outcome: "succeed", runMs: 30_000 };
      const attempt = attempts.get(run.id) ?? 0;
      attempts.set(run.id, attempt + 1);
      const { script, process, isFatal } = podLife(run.plan, pod, attempt);
      if (isFatal) scene.cause(run, run.plan.outcome, run.plan.outcome === "is evicted");
      if (process !== undefined) outcomes.set(pod.metadata.name, process);
      return script;
    },
    onPhase: (job, pod, phase) => {
      const run = scene.runOf(job);
      const outcome = outcomes.get(pod.metadata.name);
      if (phase !== "Running" || run === undefined || outcome === undefined) return;
      const process = flowProcess(scene, { run, job, outcome, pod: pod.metadata });
      // The pod's phase is not stored yet.
      scene.world.time.after(0, () => process?.start());
    },
  };
}

interface Started {
  readonly run: RunFact;
  readonly job: Job;
  readonly outcome: Outcome;
  readonly pod: Job["metadata"];
}

function flowProcess(scene: Scene, { run, job, outcome, pod }: Started): FlowProcess | undefined {
  const { world } = scene;
  const { namespace, name, uid } = job.metadata;
  const kube = world.kubes.find((cluster) => cluster.get("jobs", namespace, name)?.metadata.uid === uid);
  const prefect = world.prefects[run.prefect];
  if (kube === undefined || prefect === undefined) return undefined;
  const objects = flowObjects(scene, run, { kube, pod });
  return new FlowProcess({
    time: world.time,
    kube,
    prefect,
    run,
    outcome,
    pod,
    act: (act) => scene.as(FLOW, act),
    onCause: (what) => scene.cause(run, what),
    objects: { make: () => scene.as(FLOW, objects.make), close: () => scene.as(FLOW, objects.close) },
    isLost: () => scene.lostPods.has(pod.uid),
  });
}
