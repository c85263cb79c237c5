// The port to a Prefect 1 API, in outcomes: losing a claim is an answer, only surprises throw PrefectError.

import type { FlowRun, TaskRun } from "./flow-run.ts";
import type { State } from "./state.ts";

export type RunLogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** A line of a flow run's log. */
export interface RunLog {
  readonly flowRunId: string;
  /** `agent` for what the agent does, `k8s-infra` for what Kubernetes did. */
  readonly name: string;
  readonly level: RunLogLevel;
  readonly message: string;
  readonly timestamp?: Date | undefined;
}

export interface AgentRegistration {
  readonly name: string;
  readonly labels: readonly string[];
  readonly agentConfigId?: string | undefined;
}

/** What is wanted: this state for this flow run or task run, if its version is still the one that was read. */
export interface Claim {
  readonly id: string;
  readonly version: number;
  readonly state: State;
}

export type ClaimOutcome = "claimed" | "taken";

/** A flow run's state as it stands. */
export interface RunState {
  readonly id: string;
  readonly name: string | null;
  readonly version: number;
  readonly state: State;
  readonly heartbeat?: Date | undefined;
  readonly updated?: Date | undefined;
}

export interface SetState {
  readonly flowRunId: string;
  readonly state: State;
  /** The version that was read; a server with version locking refuses another. */
  readonly version?: number | undefined;
}

export interface PrefectApi {
  /** The address, for messages. */
  readonly url: string;
  /** The tenant whose runs are meant; asked once, then known. */
  tenantId(signal?: AbortSignal): Promise<string>;
  /** The agent's id. From then on requests carry it, so that Prefect shows when the agent polled last. */
  registerAgent(agent: AgentRegistration, signal?: AbortSignal): Promise<string>;
  /** Ids of due runs, as the queue hands them out (at most 25, after its own label rule). */
  queuedFlowRunIds(before: Date, labels: readonly string[], signal?: AbortSignal): Promise<string[]>;
  /** Ids of due runs found by their labels: what the queue may hide behind older runs of others. */
  dueFlowRunIds(before: Date, labels: readonly string[], options: DueQuery): Promise<string[]>;
  /** The runs that can be launched: Scheduled ones, and Running ones with overdue task runs. */
  launchableFlowRuns(ids: readonly string[], now: Date, signal?: AbortSignal): Promise<FlowRun[]>;
  /** Sets each run's state; the answers stand in the order of the claims. A claim whose answer got lost is looked up. */
  claim(claims: readonly Claim[], signal?: AbortSignal): Promise<ClaimOutcome[]>;
  /** The same for task runs of a Running flow run. */
  claimTasks(claims: readonly Claim[], signal?: AbortSignal): Promise<ClaimOutcome[]>;
  setState(change: SetState): Promise<void>;
  /** Sets task runs' states, regardless of version. */
  setTaskStates(changes: readonly { readonly taskRunId: string; readonly state: State }[]): Promise<void>;
  /** States of up to 100 runs; an unknown id has no entry. */
  runStates(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, RunState>>;
  /** Runs in one of these states which were claimed at this place: their history has a state whose context contains the mark. */
  claimedRuns(query: ClaimedQuery, signal?: AbortSignal): Promise<ClaimedRun[]>;
  /** Not finished task runs of a run, to make them whole after a disruption. */
  unfinishedTaskRuns(flowRunId: string): Promise<TaskRun[]>;
  writeLogs(logs: readonly RunLog[], signal?: AbortSignal): Promise<void>;
  /** Messages already in the run's log under one of these names. */
  loggedMessages(flowRunId: string, names: readonly string[]): Promise<string[]>;
  /** Keeps Lazarus from starting the runs a second time. */
  heartbeat(flowRunIds: readonly string[]): Promise<void>;
  /** The resulting state's name. */
  cancel(flowRunId: string): Promise<string>;
  close(): void;
}

export interface DueQuery {
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ClaimedQuery {
  readonly states: readonly string[];
  /** The part of a state's context that names the place. */
  readonly mark: Readonly<Record<string, unknown>>;
  readonly limit: number;
}

export interface ClaimedRun {
  readonly flowRun: FlowRun;
  /** The state of the run, or of a task run of a Running run, that carries the mark. */
  readonly claimedState: State;
}
