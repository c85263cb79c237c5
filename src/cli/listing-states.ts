// Where listing commands ask for flow-run states: the Prefect APIs that somebody has named. The address that Prefect 1
// falls back to by itself is not asked: nobody may be there, and a listing must not wait for that.

import { DEFAULT_SOURCE } from "../config/layers.ts";
import type { PrefectConfig } from "../config/prefect-config.ts";
import type { Generation } from "../inventory/inventory.ts";
import type { KnownRun, StateSource, StateSources } from "../inventory/state-source.ts";
import type { PrefectApi } from "../prefect/api.ts";
import type { FlowRun } from "../prefect/flow-run.ts";
import type { RestApi } from "../prefect/rest-api.ts";
import type { CliContext } from "./context.ts";
import { prefectTarget } from "./prefect-target.ts";

/** A listing without states is better than one that comes late. */
const DEADLINE_MS = 5_000;

/** A run of this id, as some Prefect knows it. */
export interface FoundRun extends KnownRun {
  readonly id: string;
  readonly generation: Generation;
}

/** The APIs, connected when first asked. Close it at the end. */
export class ListingStates {
  readonly sources: StateSources;
  /** The addresses of the APIs that are asked. */
  readonly addresses: readonly string[];
  readonly #context: CliContext;
  readonly #config: PrefectConfig;
  #prefect: Promise<PrefectApi> | undefined;
  #rest: Promise<RestApi | undefined> | undefined;

  constructor(context: CliContext, config: PrefectConfig) {
    this.#context = context;
    this.#config = config;
    const named = config.apiUrl.source !== DEFAULT_SOURCE || config.apiKey !== undefined;
    const rest = context.env["PREFECT_API_URL"] ?? "";
    this.sources = {
      1: named ? this.#graphqlSource() : undefined,
      2: rest === "" ? undefined : this.#restSource(),
    };
    this.addresses = [...(named ? [config.apiUrl.value] : []), ...(rest === "" ? [] : [rest])];
  }

  /** Runs by name, or by the beginning of an id (Prefect 1 only), of all APIs. Throws PrefectError. */
  async find(name: string, idPrefix: string | undefined): Promise<readonly FoundRun[]> {
    const { clock, signal } = this.#context;
    const query = { name, idPrefix, now: clock.now(), limit: 10 };
    const [first, second] = await Promise.all([
      this.sources[1] === undefined ? [] : (await this.#connected()).findFlowRuns(query, signal),
      this.sources[2] === undefined ? [] : ((await this.#restConnected())?.flowRunsNamed(name, signal) ?? []),
    ]);
    return [
      ...first.map((run) => ({ id: run.id, generation: 1 as const, ...knownRun(run) })),
      ...second.map(({ id, name, state, since }) => ({
        id,
        generation: 2 as const,
        name,
        view: { kind: "known" as const, state, updated: since },
      })),
    ];
  }

  /** The run of this id, from whichever API knows it. Throws PrefectError. */
  async lookUp(id: string): Promise<FoundRun | undefined> {
    for (const generation of [1, 2] as const) {
      const found = await this.sources[generation]?.runs([id], this.#context.signal);
      const run = found?.get(id);
      if (run !== undefined) return { id, generation, ...run };
    }
    return undefined;
  }

  async close(): Promise<void> {
    // What failed to connect was reported when it was asked.
    (await this.#prefect?.catch(() => undefined))?.close();
    (await this.#rest?.catch(() => undefined))?.close();
  }

  #connected(): Promise<PrefectApi> {
    const target = prefectTarget(this.#config);
    const timeoutMs = Math.min(target.timeoutMs, DEADLINE_MS);
    this.#prefect ??= this.#context.connectPrefect({ ...target, timeoutMs });
    return this.#prefect;
  }

  #restConnected(): Promise<RestApi | undefined> {
    this.#rest ??= import("../prefect/rest-connect.ts").then(({ connectRest }) =>
      connectRest(this.#context.env, DEADLINE_MS),
    );
    return this.#rest;
  }

  #graphqlSource(): StateSource {
    return {
      runs: async (ids, signal) => {
        const found = await (await this.#connected()).runStates(ids, signal);
        const known = [...found].map(([id, { name, state, updated }]): [string, KnownRun] => [
          id,
          { name: name ?? undefined, view: { kind: "known", state, updated } },
        ]);
        return new Map(known);
      },
    };
  }

  #restSource(): StateSource {
    return {
      runs: async (ids, signal) => {
        const found = (await (await this.#restConnected())?.flowRuns(ids, signal)) ?? new Map();
        const known = [...found.values()].map(({ id, name, state, since }): [string, KnownRun] => [
          id,
          { name, view: { kind: "known", state, updated: since } },
        ]);
        return new Map(known);
      },
    };
  }
}

function knownRun({ name, serialized_state: state }: FlowRun): KnownRun {
  return { name: name ?? undefined, view: { kind: "known", state } };
}
