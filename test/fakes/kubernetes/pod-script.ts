// What is to become of a pod: steps in time, or an outcome by name.

import type { JsonObject } from "../../../src/base/json.ts";
import type { Job, Pod } from "../../../src/kube/client/objects.ts";

/** An event about a pod, as kubelet or scheduler write it. */
export interface PodEvent {
  readonly type?: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** The container that it is about. */
  readonly container?: string;
  readonly component?: "kubelet" | "default-scheduler";
}

/** One step in a pod's life. */
export interface PodStep {
  /** Milliseconds after the step before. */
  readonly afterMs?: number;
  /** Binds the pod to a node. */
  readonly nodeName?: string;
  /** Merged into the pod's status; as a function it is told the pod, and the time as Kubernetes writes it. */
  readonly status?: JsonObject | ((pod: Pod, at: string) => JsonObject);
  /** Text that a container writes to its log. */
  readonly log?: string;
  /** Who writes it; the container named `flow`, else the first. */
  readonly container?: string;
  readonly events?: readonly PodEvent[];
}

/**
 * Lives that are told by a name:
 * - `succeed`, `fail`, `oom`: it runs and ends so; `never`: it runs for ever;
 * - `pending`: no node takes it; `creating`: it stays in ContainerCreating;
 * - `imagePull`, `invalidImage`, `configError`: its container cannot start; `crashLoop`: it starts again and again;
 * - `evict`: its node throws it out; `refuse`: the API server does not take it, only the Job's events tell.
 */
export type PodOutcomeName =
  | "succeed"
  | "fail"
  | "oom"
  | "never"
  | "pending"
  | "creating"
  | "imagePull"
  | "invalidImage"
  | "configError"
  | "crashLoop"
  | "evict"
  | "refuse";

/** A outcome, with its particulars. */
export interface PodOutcome {
  readonly outcome: PodOutcomeName;
  /** Milliseconds until its container runs, or fails to; 0 without it. */
  readonly startMs?: number;
  /** Milliseconds that it runs; 0 without it. */
  readonly runMs?: number;
  /** For `fail` and `crashLoop`; 1 without it. */
  readonly exitCode?: number;
  /** What it writes while it runs. */
  readonly log?: string;
  /** The server's words, for `pending`, `imagePull`, `configError`, `evict` and `refuse`. */
  readonly message?: string;
}

/** A pod's life: an outcome, or the steps themselves. */
export type PodScript = PodOutcomeName | PodOutcome | readonly PodStep[];

/** Chooses the life of a Job's pod. The pod is about to be created: it has its name, and no status yet. */
export type ScriptChooser = (job: Job, pod: Pod) => PodScript;

/** Told, and awaited, just before a pod's phase is stored. What it throws is ignored. */
export type OnPhase = (job: Job, pod: Pod, phase: string) => Promise<void> | void;

/** The script as an outcome, or undefined when it is a list of steps. */
export function outcomeOf(script: PodScript): PodOutcome | undefined {
  if (typeof script === "string") return { outcome: script };
  return "outcome" in script ? script : undefined;
}
