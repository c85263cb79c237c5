// Options and configuration → AgentSettings.

import { checkWorkOptions } from "../../../agent/options.ts";
import type { WorkOptionValues } from "../../../agent/options.ts";
import { DEFAULT_SETTINGS } from "../../../agent/settings.ts";
import type { AgentSettings } from "../../../agent/settings.ts";
import { parseDuration } from "../../../base/duration.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import { DEFAULT_POLICY } from "../../../job/decide/policy.ts";
import type { Policy } from "../../../job/decide/policy.ts";
import type { JobSettings } from "../../../prefect1/build/job-settings.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";

/** The flags of `agent start`, except those that only shape its Jobs. */
export interface AgentFlags extends WorkOptionValues {
  readonly jobTemplate?: string | undefined;
  readonly maxPolls?: string | undefined;
}

/** Throws SettingsError for an invalid flag; sends no requests, so it can run before the agent connects. */
export function checkAgentFlags(flags: AgentFlags): void {
  checkWorkOptions(flags);
  wholeNumber(flags.maxPolls, "--max-polls", 0);
}

/** The settings. Throws SettingsError, naming the flag. */
export function agentSettings(
  flags: AgentFlags,
  sources: Pick<AgentSettings, "process" | "place" | "tenantId"> & {
    readonly config: PrefectConfig;
    readonly job: JobSettings;
  },
): AgentSettings {
  checkAgentFlags(flags);
  const { config, job, process, place, tenantId } = sources;
  return {
    name: flags.name ?? config.agent.name,
    labels: job.labels,
    namespace: job.namespace,
    policy: policyOf(flags, config),
    limit: wholeNumber(flags.limit, "--limit", 1),
    concurrency: wholeNumber(flags.concurrency, "--concurrency", 1) ?? DEFAULT_SETTINGS.concurrency,
    maxPolls: wholeNumber(flags.maxPolls, "--max-polls", 0),
    shutdownGraceMs: duration(flags.shutdownGrace, "--shutdown-grace") ?? DEFAULT_SETTINGS.shutdownGraceMs,
    process,
    place,
    tenantId,
  };
}

function policyOf(flags: AgentFlags, config: PrefectConfig): Policy {
  const keep = flags.disableJobDeletion === true || !config.variables.deleteFinishedJobs;
  const pendingMs = duration(flags.pendingTimeout, "--pending-timeout") ?? 0;
  const { deleteSucceededAfterMs, deleteFailedAfterMs } = DEFAULT_POLICY;
  const { startGraceMs, passingGraceMs, cancelGraceMs } = DEFAULT_POLICY;
  const succeeded = after(flags.deleteSucceededAfter, "--delete-succeeded-after", deleteSucceededAfterMs);
  const failed = after(flags.deleteFailedAfter, "--delete-failed-after", deleteFailedAfterMs);
  return {
    ...DEFAULT_POLICY,
    startGraceMs: duration(flags.startGrace, "--start-grace") ?? startGraceMs,
    passingGraceMs: duration(flags.passingGrace, "--passing-grace") ?? passingGraceMs,
    cancelGraceMs: duration(flags.cancelGrace, "--cancel-grace") ?? cancelGraceMs,
    pendingTimeoutMs: pendingMs === 0 ? undefined : pendingMs,
    onDisruption: flags.onDisruption === "retry" ? "retry" : "fail",
    deleteSucceededAfterMs: keep ? undefined : succeeded,
    deleteFailedAfterMs: keep ? undefined : failed,
  };
}

function duration(text: string | undefined, flag: string): number | undefined {
  return text === undefined ? undefined : parseDuration(text, flag);
}

function after(text: string | undefined, flag: string, fallback: number | undefined): number | undefined {
  return text === "never" ? undefined : (duration(text, flag) ?? fallback);
}
