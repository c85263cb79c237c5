// Both fakes, and flow runs that do in their pods what Prefect's own process does: Running, then Success.
// Counts every Job that ever got a pod, so that one that is gone already is not forgotten.

import type { Job } from "../../../src/kube/client/objects.ts";
import { isFinished } from "../../../src/prefect1/states.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../fakes/prefect1/fake-prefect1.ts";
import { setTaskState } from "../../fakes/prefect1/client.ts";

const RUN_LABEL = "prefect.io/flow_run_id";

/** A Job that was seen, standing or not. */
export interface SeenJob {
  readonly uid: string;
  readonly name: string;
  readonly flowRunId: string;
  readonly at: Date;
}

export interface WorldOptions {
  readonly prefect?: FakePrefect1Options;
  readonly kube?: Omit<FakeKubernetesOptions, "script" | "onPhase">;
  /** What becomes of a Job's pod; it succeeds at once without it. */
  readonly script?: (job: Job) => PodScript;
  /** Whether a Job's pod does its flow run, or leaves Prefect alone; without it all do. */
  readonly doesRun?: (job: Job) => boolean;
}

export interface World {
  readonly prefect: FakePrefect1;
  readonly kube: FakeKubernetes;
  /** All Jobs of a run that ever were. */
  jobsOf(flowRunId: string): readonly SeenJob[];
  stop(): Promise<void>;
}

/** Starts both fakes. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const prefect = await startFakePrefect1(options.prefect);
  const seen = new Map<string, SeenJob>();
  const kube = await startFakeKubernetes({
    ...options.kube,
    script: (job) => {
      const { uid, name, labels } = job.metadata;
      seen.set(uid, { uid, name, flowRunId: labels?.[RUN_LABEL] ?? "", at: new Date() });
      return options.script?.(job) ?? "succeed";
    },
    onPhase: async (job, _pod, phase) => {
      const id = job.metadata.labels?.[RUN_LABEL] ?? "";
      if (options.doesRun?.(job) !== false) await playFlowRun(prefect, id, phase);
    },
  });
  return {
    prefect,
    kube,
    jobsOf: (id) => [...seen.values()].filter(({ flowRunId }) => flowRunId === id),
    stop: async () => {
      await kube.stop();
      await prefect.stop();
    },
  };
}

/** As prefect execute flow-run: a finished run is left as it is. */
async function playFlowRun(prefect: FakePrefect1, id: string, phase: string): Promise<void> {
  const run = prefect.flowRun(id);
  if (run === undefined || isFinished(run.state ?? "")) return;
  if (phase === "Running" && run.state !== "Running") prefect.setState(id, { type: "Running" });
  if (phase !== "Succeeded") return;
  for (const task of prefect.taskRuns(id)) {
    if (!isFinished(task.state ?? "")) await setTaskState(prefect, task.id, { type: "Success" });
  }
  prefect.setState(id, { type: "Success" });
}
