// What the commands need from a Prefect API: to look up flow runs, and to cancel them.

import type { AgentRow } from "./agent-identity.ts";
import type { RunRow, RunState } from "./flow-run.ts";

export interface KnownRun extends RunRow {
  readonly id: string;
  readonly name: string | undefined;
}

/** A line of a run's log. */
export interface LoggedLine {
  readonly at: Date | undefined;
  readonly level: string;
  readonly logger: string;
  readonly message: string;
}

/** Which lines of a run's log, and a page of them. */
export interface LogQuery {
  /** By the API's clock. */
  readonly since?: Date | undefined;
  readonly errorsOnly?: boolean | undefined;
  readonly offset: number;
  readonly limit: number;
  readonly newestFirst: boolean;
}

/** The most runs of each kind, such as unfinished and ended, that `recent` returns. */
export const RECENT_LIMIT = 100;

export interface RecentRuns {
  readonly runs: readonly KnownRun[];
  /** Of a kind there may be more than RECENT_LIMIT. */
  readonly isPartial: boolean;
}

/** Why a run does not start, or who has taken it, and what to do about it. */
export interface WaitReason {
  readonly reason: string;
  readonly hint?: string | undefined;
}

export interface RunQuery {
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
  /** The time, by the clock that `since`, `dueAt` and `lastPolledAt` go by. */
  now(): Date;
  /** Runs by name or by the beginning of their id, newest first. */
  find(query: RunQuery, signal?: AbortSignal): Promise<readonly KnownRun[]>;
  /** Runs that are due, claimed or running, and those that have ended within so many milliseconds. */
  recent(withinMs: number, signal?: AbortSignal): Promise<RecentRuns>;
  /** A page of the run's log; at most 200 lines. */
  log(id: string, query: LogQuery, signal?: AbortSignal): Promise<readonly LoggedLine[]>;
  /** Why a run that is due has not started, or who has taken it; without it, agents() and the claim tell. */
  waitReason?(id: string, signal?: AbortSignal): Promise<WaitReason | undefined>;
  /** The run in whose process this one runs; undefined: it has its own. Without it, each run has its own. */
  hostOf?(id: string, signal?: AbortSignal): Promise<KnownRun | undefined>;
  /** The address of the run's page in Prefect's UI. */
  page(id: string): Promise<string>;
  /** Cancels the run. Returns the name of its new state: Cancelling if its process must still stop. */
  cancel(run: { readonly id: string; readonly state: RunState | undefined }): Promise<string>;
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

const LOG_PAGE = 200;

interface LogLines extends Pick<LogQuery, "since" | "errorsOnly"> {
  readonly id: string;
  /** Only so many, the last ones. */
  readonly tail?: number | undefined;
}

/** The lines of a run's log in order, page by page. */
export async function* logPages(
  directory: Pick<RunDirectory, "log">,
  { id, tail, ...query }: LogLines,
  signal?: AbortSignal,
): AsyncGenerator<readonly LoggedLine[]> {
  const newestFirst = tail !== undefined;
  const last: LoggedLine[] = [];
  for (let offset = 0; offset < (tail ?? Infinity);) {
    const limit = Math.min(LOG_PAGE, (tail ?? Infinity) - offset);
    const page = await directory.log(id, { ...query, offset, limit, newestFirst }, signal);
    if (page.length === 0) break;
    offset += page.length;
    if (newestFirst) last.push(...page);
    else yield page;
  }
  if (last.length > 0) yield last.reverse();
}
