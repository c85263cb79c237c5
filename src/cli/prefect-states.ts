// Where listing commands ask for flow-run states: the Prefect APIs that somebody has named. The address that Prefect 1
// falls back to by itself is not asked: nobody may be there, and a listing must not wait for that.

import { DEFAULT_SOURCE } from "../prefect1/config/layers.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import { loadRestConfig } from "../prefect3/settings.ts";
import type { PrefectVersion } from "../inventory/inventory.ts";
import type { KnownRun, StateSource, StateSources } from "../inventory/state-source.ts";
import type { PrefectApi } from "../prefect1/api.ts";
import type { FlowRun } from "../prefect1/flow-run.ts";
import type { RestApi, RestFlowRun } from "../prefect3/client.ts";
import type { RestTarget } from "../prefect3/connect.ts";
import type { RestRunQuery } from "../prefect3/find-runs.ts";
import type { CliContext } from "./context.ts";
import { prefectTarget, restTarget } from "./prefect-target.ts";

/** A listing without states is better than one that comes late. */
const DEADLINE_MS = 5_000;

/** A run of this id, as some Prefect knows it. */
export interface FoundRun extends KnownRun {
  readonly id: string;
  readonly prefectVersion: PrefectVersion;
}

/** The APIs that Prefect 1's configuration, and Prefect 2's and 3's, name. Throws SettingsError. */
export function listingStates(context: CliContext, config: PrefectConfig): ListingStates {
  const rest = loadRestConfig(context);
  return new ListingStates(context, config, rest && restTarget(rest));
}

/** The APIs, connected when first asked. Close it at the end. */
export class ListingStates {
  readonly sources: StateSources;
  /** The addresses of the APIs that are asked. */
  readonly addresses: readonly string[];
  /** Prefect 2 and 3, where they are named. */
  readonly rest: RestTarget | undefined;
  readonly #context: CliContext;
  readonly #config: PrefectConfig;
  #prefect: Promise<PrefectApi> | undefined;
  #connectedRest: Promise<RestApi> | undefined;

  constructor(context: CliContext, config: PrefectConfig, rest?: RestTarget) {
    this.#context = context;
    this.#config = config;
    this.rest = rest;
    const named = config.apiUrl.source !== DEFAULT_SOURCE || config.apiKey !== undefined;
    this.sources = {
      1: named ? this.#graphqlSource() : undefined,
      2: rest === undefined ? undefined : this.#restSource(rest),
    };
    this.addresses = [...(named ? [config.apiUrl.value] : []), ...(rest === undefined ? [] : [rest.url])];
  }

  /** Runs by name, or by the beginning of an id, of all APIs. Throws PrefectError. */
  async find(name: string, idPrefix: string | undefined): Promise<readonly FoundRun[]> {
    const { clock, signal } = this.#context;
    const query = { name, idPrefix, now: clock.now(), limit: 10 };
    const [first, second] = await Promise.all([
      this.sources[1] === undefined ? [] : (await this.#connected()).findFlowRuns(query, signal),
      this.rest === undefined ? [] : this.#findRest(this.rest, query),
    ]);
    return [
      ...first.map((run) => ({ id: run.id, prefectVersion: 1 as const, ...knownRun(run) })),
      ...second.map(({ id, name, state, since }) => ({
        id,
        prefectVersion: 2 as const,
        name,
        view: { kind: "known" as const, state, updated: since },
      })),
    ];
  }

  /** The run of this id, from whichever API knows it. Throws PrefectError when none does and one cannot be asked. */
  async lookUp(id: string): Promise<FoundRun | undefined> {
    const asked = await Promise.allSettled(
      ([1, 2] as const).map(async (prefectVersion) => {
        const run = (await this.sources[prefectVersion]?.runs([id], this.#context.signal))?.get(id);
        return run === undefined ? undefined : { id, prefectVersion, ...run };
      }),
    );
    for (const answer of asked) if (answer.status === "fulfilled" && answer.value) return answer.value;
    // Nobody knows it, unless it is the one that does not answer.
    for (const answer of asked) if (answer.status === "rejected") throw answer.reason;
    return undefined;
  }

  async close(): Promise<void> {
    // What failed to connect was reported when it was asked.
    (await this.#prefect?.catch(() => undefined))?.close();
    (await this.#connectedRest?.catch(() => undefined))?.close();
  }

  #connected(): Promise<PrefectApi> {
    const target = prefectTarget(this.#config);
    const timeoutMs = Math.min(target.timeoutMs, DEADLINE_MS);
    this.#prefect ??= this.#context.connectPrefect({ ...target, timeoutMs });
    return this.#prefect;
  }

  #restConnected(rest: RestTarget): Promise<RestApi> {
    this.#connectedRest ??= import("../prefect3/connect.ts").then(({ connectRest }) =>
      connectRest(rest, this.#context.env, DEADLINE_MS),
    );
    return this.#connectedRest;
  }

  #graphqlSource(): StateSource {
    return {
      address: this.#config.apiUrl.value,
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

  async #findRest(rest: RestTarget, query: RestRunQuery): Promise<readonly RestFlowRun[]> {
    const { findRestRuns } = await import("../prefect3/find-runs.ts");
    return findRestRuns(await this.#restConnected(rest), query, this.#context.signal);
  }

  #restSource(rest: RestTarget): StateSource {
    return {
      address: rest.url,
      runs: async (ids, signal) => {
        const found = await (await this.#restConnected(rest)).flowRuns(ids, signal);
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
