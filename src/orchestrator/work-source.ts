// How the agent gets flow runs from Prefect to launch them.

import type { JobManifest } from "../kube/client/manifest.ts";
import type { AgentRow } from "./agent-identity.ts";
import type { ClaimRecord, RunState } from "./flow-run.ts";

/** All calls throw PrefectError when Prefect cannot be reached or rejects the request. */
export interface WorkSource {
  /** Registers the agent with Prefect. Returns its id there. */
  register(signal: AbortSignal): Promise<string>;
  /** Whether Prefect still accepts the credentials and knows the tenant; throws what it answers otherwise. */
  authenticate(signal: AbortSignal): Promise<void>;
  /** All Kubernetes agents of the tenant that Prefect has on record, this one included. */
  agents(signal: AbortSignal): Promise<readonly AgentRow[]>;
  /** What is wrong with what Jobs are built from; undefined: nothing. */
  fault(): SourceFault | undefined;
  /** The runs that are due now or soon. `inFlight`: the agent submits them already; nothing more is asked about them. */
  due(inFlight: Pick<ReadonlySet<string>, "has" | "size">, signal: AbortSignal): Promise<DueRuns>;
  /** Shows Prefect that the agent is alive, as polling for due runs does. */
  heartbeat(signal: AbortSignal): Promise<void>;
  /** Claims for this place that may still have no Job, by any agent, page by page. */
  unfinished(query: UnfinishedQuery, signal: AbortSignal): AsyncIterable<readonly UnfinishedClaim[]>;
}

/** `canBuild`: an earlier form is in use meanwhile; false: no Job can be built, so no run may be claimed. */
export interface SourceFault {
  readonly text: string;
  readonly canBuild: boolean;
}

export interface DueRuns {
  /** Sorted by start time, earliest first. */
  readonly runs: readonly DueRun[];
  /** Whether Prefect has more due runs, so that the next poll need not wait. */
  readonly hasMore: boolean;
}

export interface DueRun {
  readonly id: string;
  readonly name: string | undefined;
  /** Its state when it was read. */
  readonly state: RunState;
  /** When it may start, by Prefect's clock; undefined: now. */
  readonly startAt: Date | undefined;
  /**
   * Sets the run to Submitted for this agent; `lost`: another one has claimed it. Can be retried after a lost response.
   * `readAt`: ticks when the state was last read; without it, when the run was found.
   */
  claim(readAt?: number): Promise<Submission | "lost">;
}

/** One claim, and the Job to create for it. */
export interface Submission {
  readonly flowRunId: string;
  /** The identifiers that its Job may have, in the order in which they are tried. */
  readonly identifiers: readonly string[];
  /** Whether the run was never submitted before, so that it has no other Job. */
  readonly isFirst: boolean;
  /** Reads the run's own job template, which may take long. Never rejects: `build` throws what went wrong. */
  prepare(): Promise<void>;
  /** Builds the Job, once prepared. Throws JobError if that is impossible, SettingsError if the agent's own template is at fault. */
  build(identifier: string): Promise<JobManifest>;
  /** Whether the claim still holds in this state: nobody has cancelled, rescheduled or started the run since. */
  isCurrent(state: RunState): Promise<boolean>;
}

export interface UnfinishedQuery {
  /** Include runs that are Running or Cancelling: their Job may have been deleted while no agent was watching. */
  readonly includeStarted: boolean;
  /** Whether a run may have no Job, as far as the agent knows; Prefect is asked nothing more about other runs. */
  readonly mayLackJob: (flowRunId: string) => boolean;
}

export interface UnfinishedClaim {
  readonly submission: Submission;
  readonly record: ClaimRecord;
  /** The run's state when it was read. */
  readonly state: RunState;
  readonly runLabels: readonly string[];
  /** Whether the run's state shows that it still waits for its Job. */
  readonly waitsForJob: boolean;
  /** A task run waits for its time, such as for a retry: the run needs no process until then. */
  readonly hasWaitingTask: boolean;
  /** When Prefect last heard of the run, by its clock. */
  readonly heartbeatAt: Date | undefined;
  /** The run was kept alive after it was claimed: a process waits with it. */
  readonly isKeptAlive: boolean;
  /** Claims the run for this agent, in place of the agent that is gone. */
  reclaim(): Promise<Submission | "lost">;
}
