// The lives of a run's pods by its outcome. Those whose container runs are ended by its process (flow-process.ts).

import type { Pod } from "../../src/kube/client/objects.ts";
import { stepsOf } from "../fakes/kubernetes/pod-outcomes.ts";
import type { PodOutcomeName, PodScript, PodStep } from "../fakes/kubernetes/pod-script.ts";
import type { Outcome, RunPlan } from "./plan.ts";

/** Outcomes that keep the container from running, or end it from outside, and what the cluster does. */
const POD_OUTCOMES: Readonly<Partial<Record<Outcome, PodOutcomeName>>> = {
  "has no image": "imagePull",
  "lacks a Secret": "configError",
  "crashes again and again": "crashLoop",
  "is evicted": "evict",
  "finds no node": "pending",
  "has its pod refused": "refuse",
};
const REFUSAL = 'admission webhook "policy.test" denied the request: pods of this flow are not allowed';

/** What becomes of a pod, and of the process in it; undefined: no process ever runs. */
export interface PodLife {
  readonly script: PodScript;
  readonly process: Outcome | undefined;
  /** The outcome itself is a reason to fail. */
  readonly isFatal: boolean;
}

/** The life of a pod; `attempt`: which of the run's pods it is, from 0. */
export function podLife(run: RunPlan, pod: Pod, attempt: number): PodLife {
  const { outcome } = run;
  const startMs = run.startS * 1_000;
  const runMs = run.runS * 1_000;
  const podOutcome = POD_OUTCOMES[outcome];
  if (podOutcome !== undefined && (outcome !== "is evicted" || attempt === 0)) {
    const message = outcome === "has its pod refused" ? { message: REFUSAL } : {};
    const process = outcome === "is evicted" ? "never ends" : undefined;
    return {
      script: { outcome: podOutcome, startMs, runMs, ...message },
      process,
      isFatal: outcome !== "finds no node",
    };
  }
  const process = outcome === "is evicted" ? "succeeds" : outcome;
  const runs = stepsOf({ outcome: "never", startMs }, pod);
  if (outcome === "pulls its image late") {
    const message = "toomanyrequests: You have reached your pull rate limit";
    const script = [...stepsOf({ outcome: "imagePull", message }, pod), ...withoutNode(runs)];
    return { script, process, isFatal: false };
  }
  if (outcome === "gets its Secret late") {
    const script = [
      ...stepsOf({ outcome: "configError" }, pod),
      ...later(withoutNode(runs), startMs + 5_000),
    ];
    return { script, process, isFatal: false };
  }
  if (outcome === "finds a node late") {
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
