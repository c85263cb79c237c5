// The lives of a run's pods by its fate. Those whose container runs are ended by its process (flow-process.ts).

import type { Pod } from "../../src/kube/client/objects.ts";
import { stepsOf } from "../fakes/kubernetes/pod-outcomes.ts";
import type { PodOutcomeName, PodScript, PodStep } from "../fakes/kubernetes/pod-script.ts";
import type { Fate, RunPlan } from "./plan.ts";

/** Fates that keep the container from running, or end it from outside, and what the cluster does. */
const OUTCOMES: Readonly<Partial<Record<Fate, PodOutcomeName>>> = {
  "has no image": "imagePull",
  "lacks a Secret": "configError",
  "crashes again and again": "crashLoop",
  "is evicted": "evict",
  "finds no node": "pending",
  "has its pod refused": "refuse",
};
const REFUSAL = 'admission webhook "policy.test" denied the request: pods of this flow are not allowed';

/** What becomes of a pod, and of the process in it; undefined: no process ever runs. */
export interface PodFate {
  readonly script: PodScript;
  readonly process: Fate | undefined;
  /** The fate itself is a reason to fail. */
  readonly isFatal: boolean;
}

/** The life of a pod; `attempt`: which of the run's pods it is, from 0. */
export function podFate(run: RunPlan, pod: Pod, attempt: number): PodFate {
  const { fate } = run;
  const startMs = run.startS * 1_000;
  const runMs = run.runS * 1_000;
  const outcome = OUTCOMES[fate];
  if (outcome !== undefined && (fate !== "is evicted" || attempt === 0)) {
    const message = fate === "has its pod refused" ? { message: REFUSAL } : {};
    const process = fate === "is evicted" ? "never ends" : undefined;
    return { script: { outcome, startMs, runMs, ...message }, process, isFatal: fate !== "finds no node" };
  }
  const process = fate === "is evicted" ? "succeeds" : fate;
  const runs = stepsOf({ outcome: "never", startMs }, pod);
  if (fate === "pulls its image late") {
    const message = "toomanyrequests: You have reached your pull rate limit";
    const script = [...stepsOf({ outcome: "imagePull", message }, pod), ...withoutNode(runs)];
    return { script, process, isFatal: false };
  }
  if (fate === "gets its Secret late") {
    const script = [
      ...stepsOf({ outcome: "configError" }, pod),
      ...later(withoutNode(runs), startMs + 5_000),
    ];
    return { script, process, isFatal: false };
  }
  if (fate === "finds a node late") {
    const script = [...stepsOf({ outcome: "pending" }, pod), ...later(runs, startMs * 3)];
    return { script, process, isFatal: false };
  }
  return { script: runs, process, isFatal: false };
}

/** Scheduling and the first look at the pod are behind it. */
function withoutNode(steps: readonly PodStep[]): readonly PodStep[] {
  return steps.slice(2);
}

function later([first, ...rest]: readonly PodStep[], ms: number): readonly PodStep[] {
  return first === undefined ? [] : [{ ...first, afterMs: ms }, ...rest];
}
