// Both fakes. Pods set their flow run's state as Prefect's own process does: Running, then Success.
// Records every Job that ever got a pod, deleted ones included.

import { systemClock } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { fastClock } from "../../support/clock.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { isFinished } from "../../../src/prefect1/states.ts";
import { startFakeKubernetes } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../../fakes/kubernetes/fake-kubernetes.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startFakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../../fakes/prefect1/fake-prefect1.ts";

const RUN_LABEL = "prefect.io/flow_run_id";

/** A Job that got a pod, deleted or not. */
export interface RecordedJob {
  readonly uid: string;
  readonly name: string;
  readonly flowRunId: string;
  readonly at: Date;
}

export interface FakesOptions {
  /** Time passes for the fakes, and for agents on them, so many times as fast. */
  readonly speed?: number;
  readonly prefect?: FakePrefect1Options;
  readonly kube?: Omit<FakeKubernetesOptions, "script" | "onPhase">;
  /** What a Job's pod does; without it, the pod succeeds at once. */
  readonly script?: (job: Job) => PodScript;
  /** Whether a Job's pod sets its flow run's state; without it, every pod does. */
  readonly runsFlow?: (job: Job) => boolean;
  /** When the image of a Job's pod is there, and its container runs; without it, at once. */
  readonly imagePulled?: (job: Job) => Promise<void>;
}

export interface Fakes {
  readonly clock: Clock;
  readonly prefect: FakePrefect1;
  readonly kube: FakeKubernetes;
  /** All Jobs that the run ever had. */
  jobsOf(flowRunId: string): readonly RecordedJob[];
  stop(): Promise<void>;
}

/** Starts both fakes. */
export async function startFakes(options: FakesOptions = {}): Promise<Fakes> {
  const clock = options.speed === undefined ? systemClock : fastClock(options.speed);
  const prefect = await startFakePrefect1({ clock, ...options.prefect });
  const recorded = new Map<string, RecordedJob>();
  const kube = await startFakeKubernetes({
    clock,
    ...options.kube,
    script: (job) => {
      const { uid, name, labels } = job.metadata;
      recorded.set(uid, { uid, name, flowRunId: labels?.[RUN_LABEL] ?? "", at: new Date() });
      return options.script?.(job) ?? "succeed";
    },
    onPhase: async (job, _pod, phase) => {
      if (phase === "Running") await options.imagePulled?.(job);
      const id = job.metadata.labels?.[RUN_LABEL] ?? "";
      if (options.runsFlow?.(job) !== false) simulateFlowRun(prefect, id, phase);
    },
  });
  return {
    clock,
    prefect,
    kube,
    jobsOf: (id) => [...recorded.values()].filter(({ flowRunId }) => flowRunId === id),
    stop: async () => {
      await kube.stop();
      await prefect.stop();
    },
  };
}

/** Sets states as `prefect execute flow-run` does; a finished run keeps its state. */
export function simulateFlowRun(prefect: FakePrefect1, id: string, phase: string): void {
  const run = prefect.flowRun(id);
  if (run === undefined || isFinished(run.state ?? "")) return;
  if (phase === "Running" && run.state !== "Running") prefect.setState(id, { type: "Running" });
  if (phase !== "Succeeded") return;
  for (const task of prefect.taskRuns(id)) {
    if (!isFinished(task.state ?? "")) prefect.setTaskState(task.id, { type: "Success" });
  }
  prefect.setState(id, { type: "Success" });
}
