// The Prefect APIs that a command asks about flow runs: those that somebody has named. The address that Prefect 1 falls back
// to by itself is not asked: nobody may be there, and a listing must not wait for that.

import { DEFAULT_SOURCE } from "../base/sourced.ts";
import type { KnownRun, RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import { prefect1Directory } from "../prefect1/run-directory.ts";
import { prefect3Directory } from "../prefect3/run-directory.ts";
import { loadPrefect3Settings } from "../prefect3/settings.ts";
import type { PrefectVersion } from "../inventory/inventory.ts";
import type { CliContext } from "./context.ts";
import { prefect3Target, prefectTarget } from "./prefect-target.ts";

/** A listing without states is better than one that comes late. */
export const LISTING_DEADLINE_MS = 5_000;
/** Each Prefect gives so many runs of one name at most. */
const FOUND_AT_MOST = 10;
const VERSIONS: readonly PrefectVersion[] = [1, 2];

/** A run, and which Prefect has it. */
export interface FoundRun extends KnownRun {
  readonly prefectVersion: PrefectVersion;
}

/** The APIs that Prefect 1's configuration, and Prefect 2's and 3's, name. Nothing is sent yet. Throws SettingsError. */
export function runDirectories(
  context: CliContext,
  config: PrefectConfig,
  deadlineMs: number = LISTING_DEADLINE_MS,
): RunDirectories {
  const { clock, env } = context;
  const isNamed = config.apiUrl.source !== DEFAULT_SOURCE || config.apiKey !== undefined;
  const settings = loadPrefect3Settings(context);
  const connect1 = async () => {
    const target = prefectTarget(config);
    return context.connectPrefect({ ...target, timeoutMs: Math.min(target.timeoutMs, deadlineMs) });
  };
  const target3 = settings && prefect3Target(settings);
  const connect3 = async (target: NonNullable<typeof target3>) => {
    const { connectPrefect3 } = await import("../prefect3/connect.ts");
    return connectPrefect3(target, env, deadlineMs);
  };
  return new RunDirectories({
    1: isNamed ? prefect1Directory(config.apiUrl.value, connect1, clock) : undefined,
    2: target3 === undefined ? undefined : prefect3Directory(target3.url, () => connect3(target3)),
  });
}

/** The APIs, by the Prefect that they belong to. Close it at the end. */
export class RunDirectories {
  readonly byVersion: Readonly<Record<PrefectVersion, RunDirectory | undefined>>;

  constructor(byVersion: RunDirectories["byVersion"]) {
    this.byVersion = byVersion;
  }

  /** The addresses of the APIs that are asked. */
  get addresses(): readonly string[] {
    return VERSIONS.flatMap((version) => this.byVersion[version]?.address ?? []);
  }

  /** Runs by name, or by the beginning of an id, of all APIs. Throws PrefectError. */
  async find(name: string, idPrefix: string | undefined, signal: AbortSignal): Promise<readonly FoundRun[]> {
    const query = { name, idPrefix, limit: FOUND_AT_MOST };
    const found = await Promise.all(
      VERSIONS.map(async (prefectVersion) => {
        const runs = (await this.byVersion[prefectVersion]?.find(query, signal)) ?? [];
        return runs.map((run) => ({ ...run, prefectVersion }));
      }),
    );
    return found.flat();
  }

  /** The run of this id, from whichever API has it. Throws PrefectError when none has it and one cannot be asked. */
  async lookUp(id: string, signal: AbortSignal): Promise<FoundRun | undefined> {
    const asked = await Promise.allSettled(
      VERSIONS.map(async (prefectVersion) => {
        const run = (await this.byVersion[prefectVersion]?.runs([id], signal))?.get(id);
        return run === undefined ? undefined : { ...run, prefectVersion };
      }),
    );
    for (const answer of asked) if (answer.status === "fulfilled" && answer.value) return answer.value;
    // Nobody has it, unless it is the one that does not answer.
    for (const answer of asked) if (answer.status === "rejected") throw answer.reason;
    return undefined;
  }

  close(): void {
    for (const version of VERSIONS) this.byVersion[version]?.close();
  }
}
