// The Prefect APIs that a command queries for flow runs: only configured ones. Prefect 1's default address is not queried,
// because a listing must not wait for a server that may not exist.

import { ServerClock } from "../base/server-clock.ts";
import { DEFAULT_SOURCE } from "../base/sourced.ts";
import type { KnownRun, RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import { prefect1Directory } from "../prefect1/run-directory.ts";
import { prefect3Directory } from "../prefect3/run-directory.ts";
import { loadPrefect3Settings } from "../prefect3/settings.ts";
import type { Prefect3Target } from "../prefect3/settings.ts";
import type { PrefectVersion } from "../inventory/inventory.ts";
import type { CliContext } from "./context.ts";
import { prefectTarget } from "./prefect-target.ts";

/** A fast listing without states is better than a slow one. */
export const LISTING_DEADLINE_MS = 5_000;
/** The most runs to fetch from each API for one name. */
const MAX_RESULTS = 10;
const VERSIONS: readonly PrefectVersion[] = [1, 2];

/** A run, and the Prefect version that has it. */
export interface FoundRun extends KnownRun {
  readonly prefectVersion: PrefectVersion;
}

/** The configured APIs of Prefect 1 and of Prefect 2 and 3. Sends nothing yet. Throws SettingsError. */
export function runDirectories(
  context: CliContext,
  config: PrefectConfig,
  deadlineMs: number = LISTING_DEADLINE_MS,
): RunDirectories {
  const clock = new ServerClock(context.clock);
  const isConfigured = config.apiUrl.source !== DEFAULT_SOURCE || config.apiKey !== undefined;
  const settings = loadPrefect3Settings(context);
  const connect1 = async () => {
    const target = prefectTarget(config);
    const options = { ...target, timeoutMs: Math.min(target.timeoutMs, deadlineMs) };
    return context.connectPrefect(options, ({ date, ms }) => clock.observe(date, ms));
  };
  const connect3 = async (target: Prefect3Target) => {
    const { connectPrefect3 } = await import("../prefect3/connect.ts");
    return connectPrefect3(target, context, deadlineMs);
  };
  return new RunDirectories({
    1: isConfigured
      ? prefect1Directory({ address: config.apiUrl.value, ui: config.uiUrl }, connect1, clock)
      : undefined,
    2: settings && prefect3Directory(settings, () => connect3(settings), clock),
  });
}

/** The APIs by Prefect version. Must be closed. */
export class RunDirectories {
  readonly byVersion: Readonly<Record<PrefectVersion, RunDirectory | undefined>>;

  constructor(byVersion: RunDirectories["byVersion"]) {
    this.byVersion = byVersion;
  }

  /** The addresses of the APIs. */
  get addresses(): readonly string[] {
    return VERSIONS.flatMap((version) => this.byVersion[version]?.address ?? []);
  }

  /** Runs of all APIs with this name or id prefix. Throws PrefectError. */
  async find(name: string, idPrefix: string | undefined, signal: AbortSignal): Promise<readonly FoundRun[]> {
    const query = { name, idPrefix, limit: MAX_RESULTS };
    const found = await Promise.all(
      VERSIONS.map(async (prefectVersion) => {
        const runs = (await this.byVersion[prefectVersion]?.find(query, signal)) ?? [];
        return runs.map((run) => ({ ...run, prefectVersion }));
      }),
    );
    return found.flat();
  }

  /** The latest runs of all APIs. Throws PrefectError. */
  async recent(since: Date, signal: AbortSignal): Promise<readonly KnownRun[]> {
    const found = VERSIONS.flatMap((version) => this.byVersion[version]?.recent(since, signal) ?? []);
    return (await Promise.all(found)).flat();
  }

  /** The run with this id, from whichever API has it. Throws PrefectError when none has it and one of them failed. */
  async lookUp(id: string, signal: AbortSignal): Promise<FoundRun | undefined> {
    const results = await Promise.allSettled(
      VERSIONS.map(async (prefectVersion) => {
        const run = (await this.byVersion[prefectVersion]?.runs([id], signal))?.get(id);
        return run === undefined ? undefined : { ...run, prefectVersion };
      }),
    );
    for (const result of results) if (result.status === "fulfilled" && result.value) return result.value;
    // The API that failed may have it.
    for (const result of results) if (result.status === "rejected") throw result.reason;
    return undefined;
  }

  close(): void {
    for (const version of VERSIONS) this.byVersion[version]?.close();
  }
}
