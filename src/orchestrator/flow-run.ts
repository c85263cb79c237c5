// A flow run as the agent and the commands see it, for Prefect 1 and Prefect 3 alike.

import type { AgentIdentity } from "./agent-identity.ts";
import type { Place } from "./place.ts";

/**
 * The type of a state; each groups several of Prefect's state names:
 * scheduled: nobody works on the run; pending: an agent or a worker has claimed it; running: its process has started;
 * paused: it waits for a person or a time, without a process; cancelling: its process was asked to stop;
 * completed, failed, crashed, cancelled: the run is over.
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

export interface RunState {
  readonly type: StateType;
  /** Prefect's name of the state, such as Submitted, Retrying, TimedOut or Late. */
  readonly name: string;
  readonly message?: string | undefined;
  /** Since when the run is in this state, if Prefect reports it. */
  readonly since?: Date | undefined;
  /** When a scheduled run may start. */
  readonly dueAt?: Date | undefined;
  /** Sent with a transition, so that Prefect rejects it if the state has changed; undefined: this Prefect has no versions. */
  readonly version?: number | undefined;
  readonly claim?: ClaimRecord | undefined;
}

/** What a claim stores in Prefect, so that another process can finish the submission after a crash. */
export interface ClaimRecord {
  /** The unique id of this claim. */
  readonly id: string;
  readonly place: Place;
  /** The identifiers that the Job may have: the first one, or a later one if another run's Job has the name already. */
  readonly identifiers: readonly string[];
  /** The agent that made the claim, and its process. */
  readonly agent: AgentIdentity;
  readonly process: string;
}

/** What changes of a flow run, and is read again and again. */
export interface RunRow {
  readonly state: RunState;
  readonly labels?: readonly string[] | undefined;
  /** The agent that submitted it, by Prefect's record; undefined: none, or its row was deleted. */
  readonly agent?: AgentIdentity | undefined;
}

/** The status of a flow run: its row; "missing": Prefect has no such run; "unknown": not asked, or no API configured. */
export type RunStatus =
  | ({ readonly kind: "known" } & RunRow)
  | ({ readonly kind: "missing" } & NoRow)
  | ({ readonly kind: "unknown" } & NoRow);
type NoRow = { readonly [Field in keyof RunRow]?: undefined };

export function isFinished(type: StateType | undefined): boolean {
  return type === "completed" || isFailed(type) || type === "cancelled";
}

/** Whether the run failed or crashed; a cancelled run did neither. */
export function isFailed(type: StateType | undefined): boolean {
  return type === "failed" || type === "crashed";
}

/** Whether the run is claimed or running, and not being cancelled. */
export function isActive(type: StateType | undefined): boolean {
  return type === "pending" || type === "running";
}

/** Whether the run is cancelled or being cancelled. */
export function isCancelled({ state }: RunStatus): boolean {
  return state?.type === "cancelling" || state?.type === "cancelled";
}

/** Whether the run has ended in Prefect, or was deleted there. */
export function isOver(run: RunStatus): boolean {
  return run.kind === "missing" || isFinished(run.state?.type);
}

/** Whether the run is over, or being cancelled. */
export function isDone(run: RunStatus): boolean {
  return isOver(run) || isCancelled(run);
}

/** Why a Job or Dask cluster of a run that Prefect does not have is orphaned. */
export const DELETED_RUN = "its flow run no longer exists in Prefect";

export interface RunLifecycle {
  /** `over`: its objects can be deleted. */
  readonly kind: "over" | "alive" | "unknown";
  /** Since when it is over, where Prefect tells. */
  readonly since?: Date | undefined;
  /** For people. */
  readonly text: string;
}

export function lifecycleOf(run: RunStatus): RunLifecycle {
  if (run.kind === "unknown") return { kind: "unknown", text: "the state of its flow run is unknown" };
  if (run.kind === "missing") return { kind: "over", text: DELETED_RUN };
  const { type, name, since } = run.state;
  const text = `its flow run is ${name}`;
  return isFinished(type) ? { kind: "over", since, text } : { kind: "alive", text };
}
