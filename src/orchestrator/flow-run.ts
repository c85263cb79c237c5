// A flow run as the agent and the commands see it, whichever Prefect it belongs to.

/**
 * What a state means to Kubernetes; one word for each group of Prefect's own names:
 * scheduled: nobody works on the run; pending: an agent or a worker has claimed it; running: its process has started;
 * paused: it waits for a person or a time, without a process; cancelling: its process was asked to end;
 * completed, failed, crashed, cancelled: it is over.
 */
export type StateType =
  | "scheduled"
  | "pending"
  | "running"
  | "paused"
  | "cancelling"
  | "completed"
  | "failed"
  | "crashed"
  | "cancelled";

/** The state of a flow run. */
export interface RunState {
  readonly type: StateType;
  /** Prefect's own name of it: Submitted, Retrying, TimedOut, Late. */
  readonly name: string;
  readonly message?: string | undefined;
  /** Since when the run is in this state, as far as Prefect tells. */
  readonly since?: Date | undefined;
  /** What a transition hands back, so that Prefect refuses it if the state has changed; undefined: Prefect has no versions. */
  readonly version?: number | undefined;
  /** What the claim of a pending run says of the Job to be made. */
  readonly claim?: ClaimRecord | undefined;
}

/** What a claim leaves in Prefect, so that whoever finds the run later can finish the submission. */
export interface ClaimRecord {
  /** This claim and no other. */
  readonly id: string;
  /** The cluster and namespace in which the Job is to be made. */
  readonly scope: string;
  /** The identifiers under which the Job may exist: the first one, else those taken because another run's Job had it. */
  readonly identifiers: readonly string[];
  /** The process that made the claim. */
  readonly by?: string | undefined;
}

/** What is known of a flow run: its state, that Prefect has no such run, or nothing (not asked, or no API). */
export type RunStatus =
  | { readonly kind: "known"; readonly state: RunState }
  | { readonly kind: "missing" }
  | { readonly kind: "unknown" };

/** Whether the run is over: nothing changes it any more. */
export function isFinished(type: StateType): boolean {
  return type === "completed" || isFailed(type) || type === "cancelled";
}

/** Whether it ended badly by itself; a cancelled run did not. */
export function isFailed(type: StateType): boolean {
  return type === "failed" || type === "crashed";
}

/** Whether Kubernetes has the run, or is about to get it: claimed or running, and not being cancelled. */
export function isActive(type: StateType): boolean {
  return type === "pending" || type === "running";
}

/** Whether somebody wants the run to end. */
export function isCancelled(run: RunStatus): boolean {
  return run.kind === "known" && (run.state.type === "cancelling" || run.state.type === "cancelled");
}

/** Whether the run works no more: over, being cancelled, or deleted. */
export function isDone(run: RunStatus): boolean {
  return run.kind === "missing" || isCancelled(run) || (run.kind === "known" && isFinished(run.state.type));
}
