// What the agent tells Prefect about flow runs, and asks about them.

import type { RunState } from "./flow-run.ts";
import type { RunLog } from "./run-log.ts";

/** All calls throw PrefectError when Prefect does not answer, or refuses. */
export interface RunReporter {
  /** The states of up to 100 runs; a run that Prefect does not have has no entry. */
  states(flowRunIds: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, RunState>>;
  /** Writes all lines, or none. */
  writeLogs(logs: readonly RunLog[]): Promise<void>;
  /** Messages that are in the run's log under one of these logger names. */
  loggedMessages(flowRunId: string, names: readonly string[]): Promise<readonly string[]>;
  /** Messages in the run's log that contain one of these texts, whoever wrote them. */
  mentions(flowRunId: string, texts: readonly string[]): Promise<readonly string[]>;
  /** Those of the lines that are not in their runs' logs. */
  unwritten(logs: readonly RunLog[]): Promise<readonly RunLog[]>;
  /** Sets the run's state, unless it is no longer the one of this version. */
  transition(flowRunId: string, to: NewState): Promise<TransitionResult>;
  /** Schedules a run again that lost its process: first its task runs are made ready to run once more. */
  restart(flowRunId: string, request: Restart): Promise<TransitionResult>;
  /** Sends heartbeats: while a Job legitimately waits, Prefect must not start the run a second time. */
  keepAlive(flowRunIds: readonly string[]): Promise<void>;
}

export interface NewState {
  readonly type: "failed" | "crashed" | "cancelled";
  readonly message: string;
  /** Of the state that was judged; undefined: any. */
  readonly version: number | undefined;
}

/** `moved`: the state had changed, and was left as it is. */
export type TransitionResult = "accepted" | "moved";

export interface Restart {
  readonly message: string;
  readonly version: number | undefined;
  /** Told which task runs run again, if any, before anything is changed. */
  readonly note: (line: string) => Promise<void>;
}
