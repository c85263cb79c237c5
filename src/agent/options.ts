// The options of `agent start`, declared once. `agent start`, `install`, `render` and `doctor` parse and check them from
// these tables, and the help and docs/options.md print them.

import { formatDuration } from "../base/duration.ts";
import { SettingsError } from "../base/errors.ts";
import { DEFAULT_POLICY } from "../job/decide/policy.ts";
import {
  aCount,
  aDuration,
  aLabel,
  anAge,
  anId,
  aSecretEntry,
  aServiceAccount,
  aVariable,
  oneOf,
  secretNames,
} from "./option-checks.ts";
import { checkOptionValues, list, text, toggle, type OptionTable, type ValuesOf } from "./option-row.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/** What shapes the Jobs that the agent makes. */
export const JOB_OPTIONS = {
  labels: list("--label", "take flow runs whose labels are all among these; may be repeated", {
    short: "-l",
    check: aLabel,
  }),
  env: list("--env", "environment variable for every flow run; may be repeated", {
    short: "-e",
    check: aVariable,
  }),
  noCloudLogs: toggle("--no-cloud-logs", "do not send flow runs' logs to Prefect"),
  keySecret: text("--key-secret", "Secret with the API key for the Jobs", {
    default: "key api-key",
    check: aSecretEntry,
  }),
  jobTemplate: text("--job-template", "job template: a path, s3://, gs:// or http(s)://"),
  serviceAccountName: text("--service-account-name", "ServiceAccount of the flows' pods", {
    check: aServiceAccount,
  }),
  imagePullSecrets: text("--image-pull-secrets", "Secrets to pull images with, separated by commas", {
    check: secretNames,
  }),
  safeToEvict: toggle("--safe-to-evict", "let cluster-autoscaler and Karpenter evict the pods"),
  noDaskName: toggle("--no-dask-name", "do not name Dask clusters after their flow run"),
} satisfies OptionTable;

export const WORK_OPTIONS = {
  name: text("--name", "the agent's name in Prefect", { default: "agent" }),
  agentConfigId: text("--agent-config-id", "agent config to register with", { check: anId }),
  logLevel: text("--log-level", "DEBUG, INFO, WARNING or ERROR", {
    default: "INFO",
    check: oneOf(LEVELS, (value) => value.toUpperCase()),
  }),
  logFormat: text("--log-format", "format of the agent's log", {
    default: "text",
    check: oneOf(["text", "json"]),
  }),
  limit: text("--limit", "maximum number of unfinished Jobs", { default: "no limit", check: aCount }),
  concurrency: text("--concurrency", "maximum number of flow runs that are submitted at the same time", {
    default: String(DEFAULT_SETTINGS.concurrency),
    check: aCount,
  }),
  startGrace: text(
    "--start-grace",
    "fail the run when its pod has been unable to start for this long (image, Secret, crash)",
    { default: formatDuration(DEFAULT_POLICY.startGraceMs), check: aDuration },
  ),
  passingGrace: text(
    "--passing-grace",
    "the same as --start-grace, for a cause that passes by itself (a registry that is down, a node's network)",
    { default: formatDuration(DEFAULT_POLICY.passingGraceMs), check: aDuration },
  ),
  pendingTimeout: text(
    "--pending-timeout",
    "fail the run when its flow has not started this long after its Job was created, or never",
    { default: "never", check: anAge },
  ),
  onDisruption: text("--on-disruption", "when the pod is evicted or its node lost: fail or retry the run", {
    default: DEFAULT_POLICY.onDisruption,
    check: oneOf(["fail", "retry"]),
  }),
  cancelGrace: text("--cancel-grace", "time that a cancelled flow has to end by itself", {
    default: formatDuration(DEFAULT_POLICY.cancelGraceMs),
    check: aDuration,
  }),
  deleteSucceededAfter: text("--delete-succeeded-after", "delete successful Jobs after this long, or never", {
    default: formatDuration(DEFAULT_POLICY.deleteSucceededAfterMs ?? 0),
    check: anAge,
  }),
  deleteFailedAfter: text("--delete-failed-after", "delete failed Jobs after this long, or never", {
    default: formatDuration(DEFAULT_POLICY.deleteFailedAfterMs ?? 0),
    check: anAge,
  }),
  disableJobDeletion: toggle("--disable-job-deletion", "never delete finished Jobs"),
  leaderElect: toggle("--leader-elect", "work only while holding a Lease: for several replicas of one agent"),
  shutdownGrace: text("--shutdown-grace", "time to finish submissions after SIGTERM", {
    default: formatDuration(DEFAULT_SETTINGS.shutdownGraceMs),
    check: aDuration,
  }),
} satisfies OptionTable;

export const AGENT_OPTIONS = { ...JOB_OPTIONS, ...WORK_OPTIONS };

export type WorkOptionValues = ValuesOf<typeof WORK_OPTIONS>;
export type AgentOptionValues = ValuesOf<typeof AGENT_OPTIONS>;

/** Throws SettingsError for a value that is not valid, and for options that contradict each other. */
export function checkWorkOptions(values: WorkOptionValues): void {
  checkOptionValues(WORK_OPTIONS, values);
  for (const option of ["deleteSucceededAfter", "deleteFailedAfter"] as const) {
    const { flag } = WORK_OPTIONS[option];
    const age = values[option];
    if (values.disableJobDeletion !== true || !age || age === "never") continue;
    throw new SettingsError(
      `cannot use "--disable-job-deletion" with "${flag} ${age}": no Job is ever deleted`,
      { hint: `leave out one of the two, or keep some for ever with ${flag} never` },
    );
  }
}
