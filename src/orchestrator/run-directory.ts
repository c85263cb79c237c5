// One Prefect API as the commands for people use it: to look up flow runs, and to cancel them.

import type { RunState } from "./flow-run.ts";

/** A flow run as Prefect knows it. */
export interface KnownRun {
  readonly id: string;
  readonly name: string | undefined;
  readonly state: RunState;
}

export interface RunQuery {
  /** The whole name. */
  readonly name: string;
  /** The beginning of an id, hyphens as in a UUID; then both a name and an id count. */
  readonly idPrefix?: string | undefined;
  readonly limit: number;
}

/** All calls throw PrefectError. */
export interface RunDirectory {
  /** Where the API is: a Job that names another address belongs to another Prefect. */
  readonly address: string;
  /** Up to 100 runs by id; an id that Prefect does not have has no entry. */
  runs(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, KnownRun>>;
  /** Runs by name, or by the beginning of their id; the newest ones first. */
  find(query: RunQuery, signal?: AbortSignal): Promise<readonly KnownRun[]>;
  /** Asks for the run's cancellation. Returns the name of its state then: Cancelling while its process may still end itself. */
  cancel(run: { readonly id: string; readonly state: RunState | undefined }): Promise<string>;
  /** Makes Cancelling Cancelled. */
  setCancelled(id: string, message: string): Promise<void>;
  close(): void;
}
