// The port to a Prefect 1 API, in outcomes: losing a claim is an answer, only surprises throw PrefectError.

import type { PrefectCheckup } from "./doctor-queries.ts";
import type { FlowRun, TaskRun } from "./flow-run.ts";
import type { RunQuery } from "./find-runs.ts";
import type { State } from "./states.ts";
import type { TaskGraph } from "./restart/task-graph.ts";

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
  /** Asked for before, and the answer got lost: what stands now is looked up first. */
  readonly again?: boolean | undefined;
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
  /** The questions of `doctor`. */
  readonly checkup: PrefectCheckup;
  /** The tenant whose runs are meant; asked once, then known. */
  tenantId(signal?: AbortSignal): Promise<string>;
  /** The agent's id. From then on requests carry it, so that Prefect shows when the agent polled last. */
  registerAgent(agent: AgentRegistration, signal?: AbortSignal): Promise<string>;
  /** Ids of due runs, as the queue hands them out (at most 25, after its own label rule). */
  queuedFlowRunIds(before: Date, labels: readonly string[], signal?: AbortSignal): Promise<string[]>;
  /** Ids of due runs found by their labels: what the queue may hide behind older runs of others. */
  dueFlowRunIds(before: Date, labels: readonly string[], options: DueQuery): Promise<string[]>;
  /** The runs that can be launched: Scheduled ones, and Running ones with overdue task runs. */
  launchableFlowRuns(ids: readonly string[], now: Date, signal?: AbortSignal): Promise<Launchable>;
  /** Sets each run's state; the answers stand in the order of the claims. A claim whose answer got lost is looked up. */
  claim(claims: readonly Claim[], signal?: AbortSignal): Promise<ClaimOutcome[]>;
  /** The same for task runs of a Running flow run. */
  claimTasks(claims: readonly Claim[], signal?: AbortSignal): Promise<ClaimOutcome[]>;
  setState(change: SetState): Promise<void>;
  /** Sets task runs' states, regardless of version. */
  setTaskStates(changes: readonly { readonly taskRunId: string; readonly state: State }[]): Promise<void>;
  /** States of up to 100 runs; an unknown id has no entry. */
  runStates(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, RunState>>;
  /** Ids of all runs which were claimed at this place and may still wait for their Job. */
  claimedIds(query: ClaimedQuery, signal?: AbortSignal): Promise<string[]>;
  /** Up to 100 of those runs, each with its latest claim. */
  claimedRuns(
    ids: readonly string[],
    mark: ClaimedQuery["mark"],
    signal?: AbortSignal,
  ): Promise<ClaimedRun[]>;
  /** Runs by id, prefix of an id, or name, the newest first. */
  findFlowRuns(query: RunQuery, signal?: AbortSignal): Promise<FlowRun[]>;
  /** Not finished task runs of a run, but those that wait for a start time. */
  unfinishedTaskRuns(flowRunId: string): Promise<TaskRun[]>;
  /** All task runs of a run, and which of them take the results of which, to make it whole after a disruption. */
  taskGraph(flowRunId: string): Promise<TaskGraph>;
  writeLogs(logs: readonly RunLog[], signal?: AbortSignal): Promise<void>;
  /** Messages already in the run's log under one of these names. */
  loggedMessages(flowRunId: string, names: readonly string[]): Promise<string[]>;
  /** Messages in the run's log that contain one of these texts, whoever wrote them. */
  mentions(flowRunId: string, texts: readonly string[]): Promise<string[]>;
  /** Those of the lines that are not in their runs' logs yet. */
  unwritten(logs: readonly RunLog[]): Promise<RunLog[]>;
  /** Keeps Lazarus from starting the runs a second time. */
  heartbeat(flowRunIds: readonly string[]): Promise<void>;
  /** The resulting state's name. */
  cancel(flowRunId: string): Promise<string>;
  close(): void;
}

export interface Launchable {
  readonly runs: readonly FlowRun[];
  /** Rows that cannot be read, each with the reason; the others are not theirs to hold up. */
  readonly unreadable: readonly string[];
}

export interface DueQuery {
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ClaimedQuery {
  /** Also runs which are Running or Cancelling; without it those that are Submitted, or have Submitted task runs. */
  readonly started: boolean;
  /** The part of a state's context that names the place. */
  readonly mark: Readonly<Record<string, unknown>>;
}

export interface ClaimedRun {
  readonly flowRun: FlowRun;
  /** The run's latest Submitted state; of a Running run with Submitted task runs, one of theirs. */
  readonly claimedState: State;
}
