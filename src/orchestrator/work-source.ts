// Where flow runs come from: what the agent needs of a Prefect to launch them.

import type { JobManifest } from "../kube/client/manifest.ts";
import type { RunState } from "./flow-run.ts";

/** All calls throw PrefectError when Prefect does not answer, or refuses. */
export interface WorkSource {
  /** Makes the agent known to Prefect. Returns its id there. */
  register(signal: AbortSignal): Promise<string>;
  /** The runs that are due, or will be soon. */
  due(query: DueQuery, signal: AbortSignal): Promise<DueRuns>;
  /** Runs that were claimed for this cluster and namespace and may still lack their Job, page by page. */
  unfinished(query: UnfinishedQuery, signal: AbortSignal): AsyncIterable<readonly UnfinishedClaim[]>;
}

export interface DueQuery {
  /** Runs that the agent works on already: nothing more is asked about them. */
  readonly inFlight: { has(flowRunId: string): boolean; readonly size: number };
}

export interface DueRuns {
  /** Those that start first come first. */
  readonly runs: readonly DueRun[];
  /** Whether Prefect has more of them: ask again at once. */
  readonly hasMore: boolean;
  /** Why some rows could not be read; the others do not wait for them. */
  readonly unreadable: readonly string[];
}

/** A run whose start time has come, or will come soon. */
export interface DueRun {
  readonly id: string;
  readonly name: string | undefined;
  /** Its state as it was read. */
  readonly state: RunState;
  /** When it may start; undefined: at once. */
  readonly startAt: Date | undefined;
  /** Sets it Submitted for this agent. May be called again when an answer was lost. */
  claim(): Promise<Claim>;
}

/** `lost`: somebody else has the run. */
export type Claim =
  | { readonly outcome: "claimed"; readonly submission: Submission }
  | { readonly outcome: "lost" };

/** One claim, and the Job that is to be made for it. */
export interface Submission {
  readonly flowRunId: string;
  /** The identifiers under which its Job may exist, in the order in which they are tried. */
  readonly identifiers: readonly string[];
  /** The Job of this identifier. Throws JobError when there can be none, SettingsError for the agent's own template. */
  build(identifier: string): Promise<JobManifest>;
  /** Whether the claim still holds in this state: nobody has cancelled, rescheduled or started the run. */
  isCurrent(state: RunState): Promise<boolean>;
}

export interface UnfinishedQuery {
  /** Also runs that are Running or Cancelling: their Job may have vanished while nobody watched. */
  readonly includeStarted: boolean;
  /** Whether a run may lack its Job, by what the agent knows; of the others nothing more is asked. */
  readonly mayLackJob: (flowRunId: string) => boolean;
}

/** A claim that was found in Prefect. */
export interface UnfinishedClaim {
  readonly submission: Submission;
  /** This claim and no other. */
  readonly claimId: string;
  /** The process that made it. */
  readonly by: string | undefined;
  /** The run's state as it was read. */
  readonly state: RunState;
  /** Whether the run still waits for this Job, by its state. */
  readonly waitsForJob: boolean;
}
