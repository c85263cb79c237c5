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
import type { OptionTable, ValuesOf } from "./option-row.ts";
import { checkOptionValues } from "./option-row.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/** What shapes the Jobs that the agent makes. */
export const JOB_OPTIONS = {
  labels: {
    flag: "--label",
    short: "-l",
    kind: "list",
    description: "take flow runs whose labels are all among these; may be repeated",
    check: aLabel,
  },
  env: {
    flag: "--env",
    short: "-e",
    kind: "list",
    description: "environment variable for every flow run; may be repeated",
    check: aVariable,
  },
  noCloudLogs: {
    flag: "--no-cloud-logs",
    kind: "switch",
    description: "do not send flow runs' logs to Prefect",
  },
  keySecret: {
    flag: "--key-secret",
    kind: "text",
    description: "Secret with the API key for the Jobs",
    default: "key api-key",
    check: aSecretEntry,
  },
  jobTemplate: {
    flag: "--job-template",
    kind: "text",
    description: "job template: a path, s3://, gs:// or http(s)://",
  },
  serviceAccountName: {
    flag: "--service-account-name",
    kind: "text",
    description: "ServiceAccount of the flows' pods",
    check: aServiceAccount,
  },
  imagePullSecrets: {
    flag: "--image-pull-secrets",
    kind: "text",
    description: "Secrets to pull images with, separated by commas",
    check: secretNames,
  },
  safeToEvict: {
    flag: "--safe-to-evict",
    kind: "switch",
    description: "let cluster-autoscaler and Karpenter evict the pods",
  },
  noDaskName: {
    flag: "--no-dask-name",
    kind: "switch",
    description: "do not name Dask clusters after their flow run",
  },
} as const satisfies OptionTable;

/** What shapes the agent's work. */
export const WORK_OPTIONS = {
  name: { flag: "--name", kind: "text", description: "the agent's name in Prefect", default: "agent" },
  agentConfigId: {
    flag: "--agent-config-id",
    kind: "text",
    description: "agent config to register with",
    check: anId,
  },
  logLevel: {
    flag: "--log-level",
    kind: "text",
    description: "DEBUG, INFO, WARNING or ERROR",
    default: "INFO",
    check: oneOf(LEVELS, (value) => value.toUpperCase()),
  },
  logFormat: {
    flag: "--log-format",
    kind: "text",
    description: "format of the agent's log",
    default: "text",
    check: oneOf(["text", "json"]),
  },
  limit: {
    flag: "--limit",
    kind: "text",
    description: "maximum number of unfinished Jobs",
    default: "no limit",
    check: aCount,
  },
  concurrency: {
    flag: "--concurrency",
    kind: "text",
    description: "maximum number of flow runs that are submitted at the same time",
    default: String(DEFAULT_SETTINGS.concurrency),
    check: aCount,
  },
  startGrace: {
    flag: "--start-grace",
    kind: "text",
    description: "fail the run when its pod has been unable to start for this long (image, Secret, crash)",
    default: formatDuration(DEFAULT_POLICY.startGraceMs),
    check: aDuration,
  },
  passingGrace: {
    flag: "--passing-grace",
    kind: "text",
    description: "the same for what passes by itself (a registry's trouble, a node's network)",
    default: formatDuration(DEFAULT_POLICY.passingGraceMs),
    check: aDuration,
  },
  pendingTimeout: {
    flag: "--pending-timeout",
    kind: "text",
    description: "fail the run when its flow has not started this long after its Job was created",
    default: "never",
    check: aDuration,
  },
  onDisruption: {
    flag: "--on-disruption",
    kind: "text",
    description: "when the pod is evicted or its node lost: fail or retry the run",
    default: DEFAULT_POLICY.onDisruption,
    check: oneOf(["fail", "retry"]),
  },
  cancelGrace: {
    flag: "--cancel-grace",
    kind: "text",
    description: "time that a cancelled flow has to end by itself",
    default: formatDuration(DEFAULT_POLICY.cancelGraceMs),
    check: aDuration,
  },
  deleteSucceededAfter: {
    flag: "--delete-succeeded-after",
    kind: "text",
    description: "delete successful Jobs after this long, or never",
    default: formatDuration(DEFAULT_POLICY.deleteSucceededAfterMs ?? 0),
    check: anAge,
  },
  deleteFailedAfter: {
    flag: "--delete-failed-after",
    kind: "text",
    description: "delete failed Jobs after this long, or never",
    default: formatDuration(DEFAULT_POLICY.deleteFailedAfterMs ?? 0),
    check: anAge,
  },
  disableJobDeletion: {
    flag: "--disable-job-deletion",
    kind: "switch",
    description: "never delete finished Jobs",
  },
  leaderElect: {
    flag: "--leader-elect",
    kind: "switch",
    description: "work only while holding a Lease: for several replicas of one agent",
  },
  shutdownGrace: {
    flag: "--shutdown-grace",
    kind: "text",
    description: "time to finish submissions after SIGTERM",
    default: formatDuration(DEFAULT_SETTINGS.shutdownGraceMs),
    check: aDuration,
  },
} as const satisfies OptionTable;

export const AGENT_OPTIONS = { ...JOB_OPTIONS, ...WORK_OPTIONS };

export type WorkOptionValues = ValuesOf<typeof WORK_OPTIONS>;
export type AgentOptionValues = ValuesOf<typeof AGENT_OPTIONS>;

/** Throws SettingsError for a value that is not valid, and for options that contradict each other. */
export function checkWorkOptions(values: WorkOptionValues): void {
  checkOptionValues(WORK_OPTIONS, values);
  const { deleteSucceededAfter, deleteFailedAfter } = WORK_OPTIONS;
  for (const [{ flag }, age] of [
    [deleteSucceededAfter, values.deleteSucceededAfter],
    [deleteFailedAfter, values.deleteFailedAfter],
  ] as const) {
    if (values.disableJobDeletion !== true || !age || age === "never") continue;
    throw new SettingsError(
      `cannot use "--disable-job-deletion" with "${flag} ${age}": no Job is ever deleted`,
      { hint: `leave out one of the two, or keep some for ever with ${flag} never` },
    );
  }
}
