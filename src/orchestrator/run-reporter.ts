// How the agent reads and writes flow runs' states and logs in Prefect.

import type { ClaimRecord, RunRow } from "./flow-run.ts";

/** All calls throw PrefectError when Prefect cannot be reached or rejects the request. */
export interface RunReporter {
  /** Up to 100 runs; the map has no entry for a run that Prefect does not know. */
  rows(flowRunIds: readonly string[]): Promise<ReadonlyMap<string, RunRow>>;
  /** The last claims of up to 100 runs, by any agent. */
  lastClaims(flowRunIds: readonly string[]): Promise<ReadonlyMap<string, LastClaim>>;
  /** Whether a task run of the run waits for a start time, such as that of its retry. */
  hasWaitingTask(flowRunId: string): Promise<boolean>;
  /** Writes all lines, or none. */
  writeLogs(logs: readonly RunLog[]): Promise<void>;
  /** Messages in the run's log: those that contain one of these texts, else any; of these loggers, else of any. */
  messages(flowRunId: string, query: MessageQuery): Promise<readonly string[]>;
  /** Sets the run's state, unless it has changed since the given version. */
  transition(flowRunId: string, to: NewState): Promise<TransitionResult>;
  /** Schedules a run again that lost its process, and resets the task runs that must run again. */
  restart(flowRunId: string, request: Restart): Promise<TransitionResult>;
  /** Sends heartbeats, so that Prefect does not start a run a second time while its Job is waiting to start. */
  keepAlive(flowRunIds: readonly string[]): Promise<void>;
}

export interface MessageQuery {
  readonly containing?: readonly string[];
  readonly loggers?: readonly string[];
}

export interface LastClaim {
  readonly claim: ClaimRecord;
  readonly at: Date;
  /** When the run's process, or the agent for it, last gave a sign of life. */
  readonly heartbeatAt: Date | undefined;
}

export type RunLogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** A line of a flow run's log. */
export interface RunLog {
  readonly flowRunId: string;
  /** The logger: the agent's name for the agent's own actions, `k8s-infra` for what happened in Kubernetes. */
  readonly name: string;
  readonly level: RunLogLevel;
  readonly message: string;
  readonly timestamp?: Date | undefined;
}

/** The text with U+FFFD for each U+0000, which Postgres refuses, and for each half of a surrogate pair, which is no Unicode. */
export function storable(text: string): string {
  return text.replaceAll("\u0000", "\uFFFD").toWellFormed();
}

export interface NewState {
  readonly type: "failed" | "crashed" | "cancelled";
  readonly message: string;
  /** The version of the state that the decision is based on; undefined: any. */
  readonly version: number | undefined;
}

/** `moved`: the state had changed meanwhile, so it was not set. */
export type TransitionResult = "accepted" | "moved";

export interface Restart {
  readonly message: string;
  readonly version: number | undefined;
  /** How long after now it is due. */
  readonly delayMs: number;
  /** Writes to the run's log which task runs will run again, if any, before any state is set. */
  readonly writeLog: (line: string) => Promise<void>;
}
