// Reads the states of runs from Prefect, in batches, while the cluster is still being listed. After an error no more requests
// are sent to that API: its states are unknown, with a warning.

import { Batcher } from "../base/batch.ts";
import { attempt } from "../base/attempt.ts";
import { isUuid } from "../base/uuid.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import { RECENT_LIMIT, type KnownRun, type RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectVersion } from "./inventory.ts";

/** The configured APIs by Prefect version. */
export type StateSources = Readonly<Record<PrefectVersion, RunDirectory | undefined>>;

/** No Prefect at all: every state is unknown. */
export const NO_STATES: StateSources = { 1: undefined, 2: undefined };

export interface ReadRun {
  readonly name: string | undefined;
  readonly status: RunStatus;
  /** Its Prefect is configured, but did not tell. */
  readonly unread?: boolean;
}

const BATCH = { maxSize: 100, maxRequests: 4 };
const UNKNOWN: ReadRun = { name: undefined, status: { kind: "unknown" } };
const UNREAD: ReadRun = { ...UNKNOWN, unread: true };
const MISSING: ReadRun = { name: undefined, status: { kind: "missing" } };
const HOW_TO_SET = { 1: "set it with --api or PREFECT__CLOUD__API", 2: "set it with PREFECT_API_URL" };

/** Why the state of a run cannot be read. */
export function noApiText(prefectVersion: PrefectVersion): string {
  return `no API is configured; ${HOW_TO_SET[prefectVersion]}`;
}

/** A reader for each Prefect version, for one command. */
export function stateReaders(
  sources: StateSources,
  signal?: AbortSignal,
): Readonly<Record<PrefectVersion, StateReader>> {
  const reader = (version: PrefectVersion): StateReader =>
    new StateReader({ version, source: sources[version], signal });
  return { 1: reader(1), 2: reader(2) };
}

export interface RecentRun extends ReadRun {
  readonly flowRunId: string;
  readonly prefectVersion: PrefectVersion;
}

/** The Prefect that a reader asks. */
interface Asked {
  readonly version: PrefectVersion;
  readonly source: RunDirectory | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reads runs of one Prefect version; if its API fails, they are unknown. */
class StateReader {
  readonly #asked: Asked;
  readonly #batcher = new Batcher<string, ReadRun>((ids) => this.#send(ids), BATCH);
  readonly #runs = new Map<string, Promise<ReadRun>>();
  /** Why the states are unknown. */
  #failure: string | undefined;
  /** What is not known of the latest runs. */
  #recentWarning: string | undefined;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  /** The run, read once. An id that is not a UUID cannot be Prefect's and counts as missing. */
  read(flowRunId: string): Promise<ReadRun> {
    const isReadable = isUuid(flowRunId) || this.#asked.source === undefined;
    const run =
      this.#runs.get(flowRunId) ?? (isReadable ? this.#batcher.add(flowRunId) : Promise.resolve(MISSING));
    this.#runs.set(flowRunId, run);
    return run;
  }

  /** The latest runs, with those that ended within so many milliseconds; undefined: none. */
  async recent(withinMs: number | undefined): Promise<readonly RecentRun[]> {
    if (withinMs === undefined) return [];
    const { version: prefectVersion, source, signal } = this.#asked;
    const runs = `${this.#name} flow runs without a Job`;
    const answer = await attempt(async () => source?.recent(withinMs, signal));
    if (!answer.ok) this.#recentWarning = `${runs} are unknown: ${answer.error.message}`;
    const { runs: found = [], isPartial = false } = (answer.ok && answer.value) || {};
    if (isPartial) this.#recentWarning = `only the latest ${RECENT_LIMIT} of the ${runs} are shown`;
    return found.map((run) => ({ ...knownRun(run), flowRunId: run.id, prefectVersion }));
  }

  /** What could not be read. */
  async warning(): Promise<string | undefined> {
    await Promise.all(this.#runs.values());
    if (this.#failure === undefined) return this.#recentWarning;
    return `states of ${this.#name} flow runs are unknown: ${this.#failure}`;
  }

  get #name(): string {
    return `Prefect ${this.#asked.version === 1 ? "1" : "2 and 3"}`;
  }

  async #send(ids: readonly string[]): Promise<readonly ReadRun[]> {
    const { version, source, signal } = this.#asked;
    if (source === undefined) this.#failure = noApiText(version);
    if (source === undefined) return ids.map(() => UNKNOWN);
    if (this.#failure !== undefined) return ids.map(() => UNREAD);
    const answer = await attempt(() => source.runs(ids, signal));
    if (!answer.ok) this.#failure = answer.error.message;
    if (!answer.ok) return ids.map(() => UNREAD);
    return ids.map((id) => {
      const run = answer.value.get(id);
      return run === undefined ? MISSING : knownRun(run);
    });
  }
}

function knownRun({ name, ...row }: KnownRun): ReadRun {
  return { name, status: { kind: "known", ...row } };
}
