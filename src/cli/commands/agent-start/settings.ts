// Options and configuration → AgentSettings, checked as a whole before anything is contacted.

import { parseDuration } from "../../../base/duration.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import type { AgentSettings } from "../../../agent/settings.ts";
import type { WorkOptionValues } from "../../../agent/options.ts";
import { checkWorkOptions } from "../../../agent/options.ts";
import type { JobOptions } from "../../../prefect1/config/job-settings.ts";
import { jobSettings } from "../../../prefect1/config/job-settings.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import { agentTemplateSource } from "../../../prefect1/build/template.ts";
import type { Policy } from "../../../job/decide/decide.ts";
import { DEFAULT_POLICY } from "../../../job/decide/decide.ts";

/** The flags of `agent start` as they were typed, but for those that only shape its Jobs. */
export interface AgentFlags extends WorkOptionValues {
  readonly jobTemplate?: string | undefined;
  readonly maxPolls?: string | undefined;
}

/** Where and as whom the agent works. */
export interface AgentPlace {
  readonly clusterMark: string;
  readonly owner: string;
}

const CONCURRENCY = 24;
const SHUTDOWN_GRACE_MS = 30_000;

/** Throws SettingsError for a flag that cannot be meant; asks nobody, so that it can come before all connecting. */
export function checkAgentFlags(flags: AgentFlags): void {
  checkWorkOptions(flags);
  wholeNumber(flags.maxPolls, "--max-polls", 0);
}

/** The settings. Throws SettingsError, naming the flag. */
export function agentSettings(
  flags: AgentFlags,
  given: { readonly config: PrefectConfig; readonly job: JobOptions; readonly place: AgentPlace },
): AgentSettings {
  checkAgentFlags(flags);
  const { config, place } = given;
  const job = jobSettings(config, { ...given.job, owner: place.owner });
  return {
    name: flags.name ?? config.agent.name.value,
    agentConfigId: flags.agentConfigId,
    labels: job.labels,
    namespace: job.namespace,
    job,
    template: flags.jobTemplate === undefined ? undefined : agentTemplateSource(flags.jobTemplate),
    policy: policyOf(flags, config),
    limit: wholeNumber(flags.limit, "--limit", 1),
    concurrency: wholeNumber(flags.concurrency, "--concurrency", 1) ?? CONCURRENCY,
    maxPolls: wholeNumber(flags.maxPolls, "--max-polls", 0),
    shutdownGraceMs: duration(flags.shutdownGrace, "--shutdown-grace") ?? SHUTDOWN_GRACE_MS,
    identity: place.owner,
    scope: `${place.clusterMark}/${job.namespace}`,
  };
}

function policyOf(flags: AgentFlags, config: PrefectConfig): Policy {
  const keep = flags.disableJobDeletion === true || !config.variables.deleteFinishedJobs.value;
  const pendingMs = duration(flags.pendingTimeout, "--pending-timeout") ?? 0;
  const succeeded = after(
    flags.deleteSucceededAfter,
    "--delete-succeeded-after",
    DEFAULT_POLICY.deleteSucceededAfterMs,
  );
  const failed = after(flags.deleteFailedAfter, "--delete-failed-after", DEFAULT_POLICY.deleteFailedAfterMs);
  return {
    ...DEFAULT_POLICY,
    startGraceMs: duration(flags.startGrace, "--start-grace") ?? DEFAULT_POLICY.startGraceMs,
    cancelGraceMs: duration(flags.cancelGrace, "--cancel-grace") ?? DEFAULT_POLICY.cancelGraceMs,
    pendingTimeoutMs: pendingMs === 0 ? undefined : pendingMs,
    onDisruption: flags.onDisruption === "retry" ? "retry" : "fail",
    deleteSucceededAfterMs: keep ? undefined : succeeded,
    deleteFailedAfterMs: keep ? undefined : failed,
  };
}

function duration(text: string | undefined, flag: string): number | undefined {
  return text === undefined ? undefined : parseDuration(text, flag);
}

function after(text: string | undefined, flag: string, otherwise: number | undefined): number | undefined {
  return text === "never" ? undefined : (duration(text, flag) ?? otherwise);
}
