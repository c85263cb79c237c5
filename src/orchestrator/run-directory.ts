// What the commands need from a Prefect API: to look up flow runs, and to cancel them.

import type { AgentIdentity, AgentRow } from "./agent-identity.ts";
import type { RunState } from "./flow-run.ts";

/** A flow run in Prefect. */
export interface KnownRun {
  readonly id: string;
  readonly name: string | undefined;
  readonly state: RunState;
  /** The Kubernetes agent that submitted it, if Prefect has it on record. */
  readonly agent?: AgentIdentity | undefined;
}

export interface RunQuery {
  /** The full name. */
  readonly name: string;
  /** The beginning of an id, with hyphens as in a UUID; runs that match either the name or the id are found. */
  readonly idPrefix?: string | undefined;
  readonly limit: number;
}

/** All calls throw PrefectError. */
export interface RunDirectory {
  /** The address of the API; a Job that names another address belongs to another Prefect. */
  readonly address: string;
  /** Up to 100 runs by id; the map has no entry for an id that Prefect does not know. */
  runs(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, KnownRun>>;
  /** Which of these ids are those of a flow, a deployment or a work pool here; up to 200 ids. */
  knownIds(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlySet<string>>;
  /** The tenant; undefined: this Prefect has none. */
  tenantId(signal?: AbortSignal): Promise<string | undefined>;
  /** The Kubernetes agents on record; undefined: this Prefect has none. */
  agents(signal?: AbortSignal): Promise<readonly AgentRow[] | undefined>;
  /** The time at the API, once it has answered. */
  now(): Date;
  /** Runs by name or by the beginning of their id, newest first. */
  find(query: RunQuery, signal?: AbortSignal): Promise<readonly KnownRun[]>;
  /** Cancels the run. Returns the name of its new state: Cancelling if its process must still stop. */
  cancel(run: { readonly id: string; readonly state: RunState | undefined }): Promise<string>;
  /** Sets a Cancelling run to Cancelled. */
  setCancelled(id: string, message: string): Promise<void>;
  close(): void;
}

/** Connects on first use, once, and closes only what was connected. */
export function connectOnce<Client extends { close(): void }>(
  connect: () => Promise<Client>,
): { readonly client: () => Promise<Client>; readonly close: () => void } {
  let connected: Promise<Client> | undefined;
  return {
    client: () => (connected ??= connect()),
    // A failed connection was already reported on first use.
    close: () => void connected?.then((client) => client.close()).catch(() => undefined),
  };
}
