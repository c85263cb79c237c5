// Reads the states of runs from Prefect, in batches, while the cluster is still being listed. After an error no more requests
// are sent to that API: its states are unknown, with a warning.

import { Batcher } from "../base/batch.ts";
import { ExpectedError } from "../base/errors.ts";
import { isUuid } from "../base/uuid.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import { RECENT_LIMIT } from "../orchestrator/run-directory.ts";
import type { KnownRun, RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectVersion } from "./inventory.ts";

/** The configured APIs by Prefect version. */
export type StateSources = Readonly<
  Record<
    PrefectVersion,
    | (Pick<RunDirectory, "address" | "runs" | "knownIds" | "tenantId" | "recent"> &
        Partial<Pick<RunDirectory, "agents" | "now">>)
    | undefined
  >
>;

/** No Prefect at all: every state is unknown. */
export const NO_STATES: StateSources = { 1: undefined, 2: undefined };

export interface ReadRun {
  readonly name: string | undefined;
  readonly status: RunStatus;
}

function readRun({ name, ...row }: KnownRun): ReadRun {
  return { name, status: { kind: "known", ...row } };
}

const BATCH = { maxSize: 100, maxRequests: 4 };
const UNKNOWN: ReadRun = { name: undefined, status: { kind: "unknown" } };
const MISSING: ReadRun = { name: undefined, status: { kind: "missing" } };
const HOW_TO_SET: Readonly<Record<PrefectVersion, string>> = {
  1: "set it with --api or PREFECT__CLOUD__API",
  2: "set it with PREFECT_API_URL",
};

/** Why the state of a run cannot be read. */
export function noApiText(prefectVersion: PrefectVersion): string {
  return `no API is configured; ${HOW_TO_SET[prefectVersion]}`;
}

/** Reads runs of both Prefect versions for one command; if an API fails, its runs are unknown. */
export class StateReader {
  readonly #readers: Readonly<Record<PrefectVersion, OneReader>>;

  constructor(sources: StateSources, signal?: AbortSignal) {
    this.#readers = { 1: new OneReader(1, sources[1], signal), 2: new OneReader(2, sources[2], signal) };
  }

  /** The run, read once. An id that is not a UUID cannot be Prefect's and counts as missing. */
  read(prefectVersion: PrefectVersion, flowRunId: string): Promise<ReadRun> {
    return this.#readers[prefectVersion].read(flowRunId);
  }

  /** The latest runs of both, as the query wants them. */
  async recent(since: Date | undefined): Promise<readonly RecentRun[]> {
    if (since === undefined) return [];
    return (await Promise.all([this.#readers[1].recent(since), this.#readers[2].recent(since)])).flat();
  }

  /** What could not be read, one line for each Prefect version. */
  async warnings(): Promise<readonly string[]> {
    const warnings = await Promise.all([this.#readers[1].warning(), this.#readers[2].warning()]);
    return warnings.filter((warning) => warning !== undefined);
  }
}

export interface RecentRun extends ReadRun {
  readonly flowRunId: string;
  readonly prefectVersion: PrefectVersion;
}

class OneReader {
  readonly #prefectVersion: PrefectVersion;
  readonly #source: StateSources[PrefectVersion];
  readonly #signal: AbortSignal | undefined;
  readonly #batcher: Batcher<string, ReadRun> | undefined;
  readonly #runs = new Map<string, Promise<ReadRun>>();
  #failure: Error | undefined;
  #recentFailure: Error | undefined;
  #isCut = false;

  constructor(
    prefectVersion: PrefectVersion,
    source: StateSources[PrefectVersion],
    signal: AbortSignal | undefined,
  ) {
    this.#prefectVersion = prefectVersion;
    this.#source = source;
    this.#signal = signal;
    if (source === undefined) return;
    this.#batcher = new Batcher((ids) => this.#send(source, ids, signal), BATCH);
  }

  read(flowRunId: string): Promise<ReadRun> {
    const known = this.#runs.get(flowRunId);
    if (known !== undefined) return known;
    const run = this.#fetch(flowRunId);
    this.#runs.set(flowRunId, run);
    return run;
  }

  async recent(since: Date): Promise<readonly RecentRun[]> {
    if (this.#source === undefined) return [];
    try {
      const found = await this.#source.recent(since, this.#signal);
      const prefectVersion = this.#prefectVersion;
      this.#isCut = found.length >= RECENT_LIMIT;
      return found.map((run) => ({ ...readRun(run), flowRunId: run.id, prefectVersion }));
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      this.#recentFailure = error;
      return [];
    }
  }

  async warning(): Promise<string | undefined> {
    const runs = await Promise.all(this.#runs.values());
    const prefect = `Prefect ${this.#prefectVersion === 1 ? "1" : "2 and 3"}`;
    const isUnasked = runs.length > 0 && this.#source === undefined;
    const why = isUnasked ? noApiText(this.#prefectVersion) : this.#failure?.message;
    if (why !== undefined) return `states of ${prefect} flow runs are unknown: ${why}`;
    if (this.#recentFailure !== undefined)
      return `${prefect} flow runs without a Job are unknown: ${this.#recentFailure.message}`;
    return this.#isCut
      ? `only the latest ${RECENT_LIMIT} of the ${prefect} flow runs without a Job are shown`
      : undefined;
  }

  #fetch(flowRunId: string): Promise<ReadRun> {
    if (this.#batcher === undefined) return Promise.resolve(UNKNOWN);
    return isUuid(flowRunId) ? this.#batcher.add(flowRunId) : Promise.resolve(MISSING);
  }

  async #send(
    source: NonNullable<StateSources[PrefectVersion]>,
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ReadRun[]> {
    if (this.#failure !== undefined) return ids.map(() => UNKNOWN);
    try {
      const found = await source.runs(ids, signal);
      return ids.map((id) => {
        const run = found.get(id);
        return run === undefined ? MISSING : readRun(run);
      });
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      this.#failure = error;
      return ids.map(() => UNKNOWN);
    }
  }
}
