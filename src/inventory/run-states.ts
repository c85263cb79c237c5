// Reads the states of runs from Prefect, in batches, while the cluster is still being listed. After an error no more requests
// are sent to that API: its states are unknown, with a warning.

import PQueue from "p-queue";
import { attempt } from "../base/attempt.ts";
import type { ExpectedError } from "../base/errors.ts";
import { Interner } from "../base/interner.ts";
import { isUuid } from "../base/uuid.ts";
import { RECENT_LIMIT, type KnownRun, type RunDirectory } from "../orchestrator/run-directory.ts";
import type { InventoryRun, PrefectVersion } from "./inventory.ts";

/** The configured APIs by Prefect version. */
export type StateSources = Readonly<Record<PrefectVersion, RunDirectory | undefined>>;

/** No Prefect at all: every state is unknown. */
export const NO_STATES: StateSources = { 1: undefined, 2: undefined };

/** What Prefect told of a run. */
type ReadRun = Pick<InventoryRun, "name" | "status" | "unread">;

/** As many as Prefect answers at once. */
const IDS_AT_ONCE = 100;
const CONNECTIONS = 4;
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

type RecentRun = ReadRun & Pick<InventoryRun, "flowRunId" | "prefectVersion">;

/** The Prefect that a reader asks. */
interface Asked {
  readonly version: PrefectVersion;
  readonly source: RunDirectory | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reads runs of one Prefect version; if its API fails, they are unknown. */
class StateReader {
  readonly #asked: Asked;
  readonly #queue = new PQueue({ concurrency: CONNECTIONS });
  readonly #shared = new Interner();
  /** What was told of each run. A promise for each of thousands of runs would take megabytes. */
  readonly #runs = new Map<string, ReadRun>();
  readonly #readings: Promise<void>[] = [];
  #next: string[] = [];
  /** Why the states are unknown. */
  #failure: string | undefined;
  /** What is not known of the latest runs. */
  #recentWarning: string | undefined;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  /** Asks for the run, once, together with others. What is not a UUID is no id of Prefect's: it stays unknown. */
  ask(flowRunId: string): void {
    if (this.#runs.has(flowRunId)) return;
    this.#runs.set(flowRunId, UNKNOWN);
    if (isUuid(flowRunId) || this.#asked.source === undefined) this.#next.push(flowRunId);
    if (this.#next.length >= IDS_AT_ONCE) this.send();
  }

  /** Sends what still waits for others. */
  send(): void {
    const ids = this.#next;
    this.#next = [];
    if (ids.length === 0) return;
    const reading = this.#queue.add(() => this.#read(ids));
    // answers() awaits it; if that is never called, an interruption must not end the process.
    reading.catch(() => {});
    this.#readings.push(reading);
  }

  /** What Prefect told of all runs that it was asked for. Throws when interrupted. */
  async answers(): Promise<ReadonlyMap<string, ReadRun>> {
    this.send();
    await Promise.all(this.#readings);
    return this.#runs;
  }

  /** The latest runs, with those that ended within so many milliseconds; undefined: none. */
  async recent(withinMs: number | undefined): Promise<readonly RecentRun[]> {
    if (withinMs === undefined) return [];
    const { version: prefectVersion, source, signal } = this.#asked;
    const runs = `${this.#name} flow runs without a Job`;
    const answer = await attempt(async () => source?.recent(withinMs, signal));
    if (answer.error) this.#recentWarning = `${runs} are unknown: ${withHint(answer.error)}`;
    const { runs: found = [], isPartial = false } = answer.value ?? {};
    if (isPartial) this.#recentWarning = `only the latest ${RECENT_LIMIT} of the ${runs} are shown`;
    return found.map((run) => ({ ...this.#known(run), flowRunId: run.id, prefectVersion }));
  }

  /** What could not be read, once it has answered. */
  warning(): string | undefined {
    if (this.#failure === undefined) return this.#recentWarning;
    return `states of ${this.#name} flow runs are unknown: ${this.#failure}`;
  }

  get #name(): string {
    return `Prefect ${this.#asked.version === 1 ? "1" : "2 and 3"}`;
  }

  async #read(ids: readonly string[]): Promise<void> {
    const { version, source, signal } = this.#asked;
    if (source === undefined) this.#failure = noApiText(version);
    const canAsk = this.#failure === undefined;
    const answer = canAsk ? await attempt(async () => source?.runs(ids, signal)) : undefined;
    if (answer?.error) this.#failure = withHint(answer.error);
    const known = answer?.value;
    const unread = source === undefined ? UNKNOWN : UNREAD;
    for (const id of ids) this.#runs.set(id, known === undefined ? unread : this.#known(known.get(id)));
  }

  #known(run: KnownRun | undefined): ReadRun {
    if (run === undefined) return MISSING;
    const { name, state, labels, agent } = run;
    const shared = { labels: this.#shared.of(labels), agent: this.#shared.of(agent) };
    return { name, status: { kind: "known", state, ...shared } };
  }
}

/** In one line, as a warning is. */
function withHint({ message, hint }: ExpectedError): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}
