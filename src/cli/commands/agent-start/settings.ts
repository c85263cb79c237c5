// Options and configuration → AgentSettings.

import { WORK_OPTIONS, type WorkOptionValues } from "../../../agent/options.ts";
import { DEFAULT_SETTINGS, type AgentSettings } from "../../../agent/settings.ts";
import { parseDuration } from "../../../base/duration.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import { DEFAULT_POLICY, type Policy } from "../../../job/decide/policy.ts";
import type { JobSettings } from "../../../prefect1/build/job-settings.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";

/** The flags of `agent start`, except those that only shape its Jobs. */
export interface AgentFlags extends WorkOptionValues {
  readonly jobTemplate?: string | undefined;
  readonly maxPolls?: string | undefined;
  readonly agentAddress?: string | undefined;
}

/** The settings. Throws SettingsError, naming the flag. */
export function agentSettings(
  flags: AgentFlags,
  sources: Pick<AgentSettings, "process" | "place" | "tenantId"> & {
    readonly config: PrefectConfig;
    readonly job: JobSettings;
  },
): AgentSettings {
  const { config, job, ...identity } = sources;
  return {
    ...identity,
    name: flags.name ?? config.agent.name,
    labels: job.labels,
    namespace: job.namespace,
    policy: policyOf(flags, config),
    limit: wholeNumber(flags.limit, "--limit", 1),
    concurrency: wholeNumber(flags.concurrency, "--concurrency", 1) ?? DEFAULT_SETTINGS.concurrency,
    maxPolls: wholeNumber(flags.maxPolls, "--max-polls", 0),
    shutdownGraceMs: msOf(flags, "shutdownGrace"),
  };
}

function policyOf(flags: AgentFlags, config: PrefectConfig): Policy {
  const keep = flags.disableJobDeletion === true || !config.variables.deleteFinishedJobs;
  const ageOf = (option: "deleteSucceededAfter" | "deleteFailedAfter" | "pendingTimeout") =>
    (flags[option] ?? WORK_OPTIONS[option].default) === "never" ? undefined : msOf(flags, option);
  return {
    ...DEFAULT_POLICY,
    startGraceMs: msOf(flags, "startGrace"),
    passingGraceMs: msOf(flags, "passingGrace"),
    cancelGraceMs: msOf(flags, "cancelGrace"),
    pendingTimeoutMs: ageOf("pendingTimeout") || undefined,
    onDisruption: flags.onDisruption === "retry" ? "retry" : "fail",
    deleteSucceededAfterMs: keep ? undefined : ageOf("deleteSucceededAfter"),
    deleteFailedAfterMs: keep ? undefined : ageOf("deleteFailedAfter"),
  };
}

/** The milliseconds of an option, or of its default. */
function msOf(
  flags: AgentFlags,
  option: Exclude<keyof WorkOptionValues, "disableJobDeletion" | "leaderElect">,
): number {
  const { flag, default: otherwise = "" } = WORK_OPTIONS[option];
  return parseDuration(flags[option] ?? otherwise, flag);
}
