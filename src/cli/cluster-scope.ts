// Where a command looks for flow runs: a cluster, and the Prefect APIs that are configured. Prefect 1's default address is
// not queried, because a listing must not wait for a server that may not exist.

import type { Clock } from "../base/clock.ts";
import { ServerClock } from "../base/server-clock.ts";
import { DEFAULT_SOURCE } from "../base/sourced.ts";
import type { StateSources } from "../inventory/run-states.ts";
import type { KubeApi } from "../kube/client/api.ts";
import type { KnownRun, RunDirectory } from "../orchestrator/run-directory.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import { prefect1Directory } from "../prefect1/run-directory.ts";
import { prefect3Directory } from "../prefect3/run-directory.ts";
import { loadPrefect3Settings } from "../prefect3/settings.ts";
import type { CliContext } from "./context.ts";

export interface ClusterScope {
  readonly kube: KubeApi;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  /** Their times go by `now`. */
  readonly directories: StateSources;
  readonly clock: Clock;
  /** The API server's time, once that has answered; before, this machine's. */
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** The same for who only lists. */
export interface ListScope extends Omit<ClusterScope, "kube"> {
  readonly kube: Pick<KubeApi, "listPage">;
}

/** The same APIs, with times by the cluster's: when a run ended is compared with what Kubernetes tells of its Jobs. */
export function inClusterTime({ 1: one, 2: other }: StateSources, now: () => Date): StateSources {
  return { 1: one && withTimesOf(one, now), 2: other && withTimesOf(other, now) };
}

function withTimesOf(directory: RunDirectory, now: () => Date): RunDirectory {
  const shifted = (at: Date | undefined): Date | undefined => {
    // A server tells its time in whole seconds.
    const apartS = Math.round((now().getTime() - directory.now().getTime()) / 1_000);
    return at && new Date(at.getTime() + apartS * 1_000);
  };
  /** Shifted when they are read: the cluster's time is known once it has answered, maybe after Prefect. */
  const ofRun = ({ state, ...run }: KnownRun): KnownRun => {
    const { since, dueAt, ...rest } = state;
    return {
      ...run,
      state: {
        ...rest,
        get since() {
          return shifted(since);
        },
        get dueAt() {
          return shifted(dueAt);
        },
      },
    };
  };
  return {
    ...directory,
    now,
    runs: async (...args) =>
      new Map([...(await directory.runs(...args))].map(([id, run]) => [id, ofRun(run)])),
    find: async (...args) => (await directory.find(...args)).map(ofRun),
    recent: async (...args) => {
      const { runs, isPartial } = await directory.recent(...args);
      return { runs: runs.map(ofRun), isPartial };
    },
    agents: async (...args) =>
      (await directory.agents(...args))?.map((row) => ({ ...row, lastPolledAt: shifted(row.lastPolledAt) })),
  };
}

/**
 * The configured APIs of Prefect 1 and of Prefect 2 and 3. Sends nothing yet; must be closed. Throws SettingsError. The
 * deadline is short: a fast listing without states is better than a slow one.
 */
export function runDirectories(context: CliContext, config: PrefectConfig, deadlineMs = 5_000): StateSources {
  const { clock } = context;
  const times = { 1: new ServerClock(clock), 2: new ServerClock(clock) };
  const { apiUrl, apiKey, uiUrl, requestTimeoutSeconds } = config;
  const isConfigured = apiUrl.source !== DEFAULT_SOURCE || apiKey !== undefined;
  const settings = loadPrefect3Settings(context);
  const connect1 = async () =>
    context.connectPrefect(config, {
      timeoutMs: Math.min(requestTimeoutSeconds * 1_000, deadlineMs),
      onRequest: times[1].observe,
    });
  const connect3 = async (target: NonNullable<typeof settings>) => {
    const { connectPrefect3 } = await import("../prefect3/client.ts");
    return connectPrefect3(target, context, { clock, timeoutMs: deadlineMs, onAnswer: times[2].observe });
  };
  return {
    1: isConfigured ? prefect1Directory({ address: apiUrl.value, ui: uiUrl }, connect1, times[1]) : undefined,
    2: settings && prefect3Directory(settings, () => connect3(settings), times[2]),
  };
}
