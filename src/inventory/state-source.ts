// Inventory: what Prefect says of the runs that were found, asked in batches while the cluster is still being listed.
// An API that fails is asked no more: the table comes without states, and says so.

import { isUuid } from "../base/uuid.ts";
import { Batcher } from "../base/batch.ts";
import { ExpectedError } from "../base/errors.ts";
import type { RunView } from "../job/decide/decide.ts";
import type { PrefectVersion } from "./inventory.ts";

/** A run as Prefect knows it. */
export interface KnownRun {
  readonly name: string | undefined;
  readonly view: RunView;
}

/** One Prefect API. */
export interface StateSource {
  /** Where it is: a Job that names another API belongs to that one. */
  readonly address?: string | undefined;
  /** Up to 100 runs by id; an id that it does not know has no entry. Throws PrefectError. */
  runs(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, KnownRun>>;
}

/** The APIs that are configured, by the Prefect that they belong to. */
export type StateSources = Readonly<Record<PrefectVersion, StateSource | undefined>>;

/** No Prefect at all: every state is unknown. */
export const NO_STATES: StateSources = { 1: undefined, 2: undefined };

const BATCH = { maxSize: 100, maxRequests: 4 };
const UNKNOWN: KnownRun = { name: undefined, view: { kind: "unknown" } };
const MISSING: KnownRun = { name: undefined, view: { kind: "missing" } };
const HOW_TO_NAME: Readonly<Record<PrefectVersion, string>> = {
  1: "name it with --api or PREFECT__CLOUD__API",
  2: "name it with PREFECT_API_URL",
};

/** The questions of one Prefect, and what came of them. */
export class StateDesk {
  readonly #prefectVersion: PrefectVersion;
  readonly #batcher: Batcher<string, KnownRun> | undefined;
  readonly #asked = new Map<string, Promise<KnownRun>>();
  #failure: Error | undefined;

  constructor(prefectVersion: PrefectVersion, source: StateSource | undefined, signal?: AbortSignal) {
    this.#prefectVersion = prefectVersion;
    if (source === undefined) return;
    this.#batcher = new Batcher((ids) => this.#send(source, ids, signal), BATCH);
  }

  /** The run, as soon as it is known; asked once. An id that is no UUID cannot be Prefect's, and counts as missing. */
  ask(flowRunId: string): Promise<KnownRun> {
    const known = this.#asked.get(flowRunId);
    if (known !== undefined) return known;
    const asked = this.#batcher === undefined ? Promise.resolve(UNKNOWN) : this.#answer(flowRunId);
    this.#asked.set(flowRunId, asked);
    return asked;
  }

  /** What could not be told, in one line; undefined when all was. */
  async warning(): Promise<string | undefined> {
    const answers = await Promise.all(this.#asked.values());
    if (answers.length === 0) return undefined;
    const whose = `Prefect ${this.#prefectVersion === 1 ? "1" : "2 and 3"}`;
    if (this.#batcher === undefined) {
      return `states of ${whose} flow runs are unknown: no API is configured; ${HOW_TO_NAME[this.#prefectVersion]}`;
    }
    if (this.#failure !== undefined)
      return `states of ${whose} flow runs are unknown: ${this.#failure.message}`;
    const noneKnown = answers.length > 1 && answers.every(({ view }) => view.kind === "missing");
    return noneKnown
      ? `${whose} knows none of ${answers.length} flow runs: is it the right API and tenant?`
      : undefined;
  }

  #answer(flowRunId: string): Promise<KnownRun> {
    if (!isUuid(flowRunId) || this.#batcher === undefined) return Promise.resolve(MISSING);
    return this.#batcher.add(flowRunId);
  }

  async #send(
    source: StateSource,
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly KnownRun[]> {
    if (this.#failure !== undefined) return ids.map(() => UNKNOWN);
    try {
      const found = await source.runs(ids, signal);
      return ids.map((id) => found.get(id) ?? MISSING);
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      this.#failure = error;
      return ids.map(() => UNKNOWN);
    }
  }
}
