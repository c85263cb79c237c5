// The options of `agent start` that shape the agent, declared once: `install` hands each of them on, `render` takes them
// too, and the parsers of all three, their types and checks, and the README's tables are made from this list.

import { SettingsError } from "../base/errors.ts";
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
import type { OptionTable, ValuesOf } from "./option-table.ts";
import { checkOptionValues } from "./option-table.ts";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/** What shapes the Jobs that the agent makes. */
export const JOB_OPTIONS = {
  labels: {
    flag: "--label",
    short: "-l",
    kind: "list",
    description: "label of flow runs to take, may be repeated",
    check: aLabel,
  },
  env: {
    flag: "--env",
    short: "-e",
    kind: "list",
    description: "variable for every flow run, may be repeated",
    check: aVariable,
  },
  noCloudLogs: {
    flag: "--no-cloud-logs",
    kind: "switch",
    description: "flow runs do not send their logs to Prefect",
  },
  keySecret: {
    flag: "--key-secret",
    kind: "text",
    description: "Secret with the API key, for the Jobs (default key api-key)",
    check: aSecretEntry,
  },
  jobTemplate: {
    flag: "--job-template",
    kind: "text",
    description: "job template: path, s3://, gs:// or http(s)://",
  },
  serviceAccountName: {
    flag: "--service-account-name",
    kind: "text",
    description: "service account of the flows' pods",
    check: aServiceAccount,
  },
  imagePullSecrets: {
    flag: "--image-pull-secrets",
    kind: "text",
    description: "Secrets to pull images with, commas between them",
    check: secretNames,
  },
  safeToEvict: {
    flag: "--safe-to-evict",
    kind: "switch",
    description: "let the cluster autoscaler evict pods",
  },
  noDaskName: {
    flag: "--no-dask-name",
    kind: "switch",
    description: "do not name Dask clusters after their flow run",
  },
} as const satisfies OptionTable;

/** What shapes the agent's work. */
export const WORK_OPTIONS = {
  name: { flag: "--name", kind: "text", description: "the agent's name in Prefect (default agent)" },
  agentConfigId: {
    flag: "--agent-config-id",
    kind: "text",
    description: "agent config to register with",
    check: anId,
  },
  logLevel: {
    flag: "--log-level",
    kind: "text",
    description: "DEBUG, INFO (default), WARNING or ERROR",
    check: oneOf(LEVELS, (value) => value.toUpperCase()),
  },
  logFormat: {
    flag: "--log-format",
    kind: "text",
    description: "how the agent logs (default text)",
    check: oneOf(["text", "json"]),
  },
  limit: {
    flag: "--limit",
    kind: "text",
    description: "live Jobs at most (default no limit)",
    check: aCount,
  },
  concurrency: {
    flag: "--concurrency",
    kind: "text",
    description: "submissions at once (default 24)",
    check: aCount,
  },
  startGrace: {
    flag: "--start-grace",
    kind: "text",
    description: "how long a pod may fail to start (default 30s)",
    check: aDuration,
  },
  pendingTimeout: {
    flag: "--pending-timeout",
    kind: "text",
    description: "how long a pod may be unschedulable (default for ever)",
    check: aDuration,
  },
  onDisruption: {
    flag: "--on-disruption",
    kind: "text",
    description: "what to do with a run whose node went (default fail)",
    check: oneOf(["fail", "retry"]),
  },
  cancelGrace: {
    flag: "--cancel-grace",
    kind: "text",
    description: "how long a cancelled flow may clean up (default 60s)",
    check: aDuration,
  },
  deleteSucceededAfter: {
    flag: "--delete-succeeded-after",
    kind: "text",
    description: "age at which a Job that succeeded goes, or never (default 0s)",
    check: anAge,
  },
  deleteFailedAfter: {
    flag: "--delete-failed-after",
    kind: "text",
    description: "age at which a Job that failed goes, or never (default 0s)",
    check: anAge,
  },
  disableJobDeletion: {
    flag: "--disable-job-deletion",
    kind: "switch",
    description: "never delete a Job that is over",
  },
  leaderElect: {
    flag: "--leader-elect",
    kind: "switch",
    description: "work only while holding a Lease, for replicas",
  },
  shutdownGrace: {
    flag: "--shutdown-grace",
    kind: "text",
    description: "how long to finish what is in flight (default 30s)",
    check: aDuration,
  },
} as const satisfies OptionTable;

export const AGENT_OPTIONS = { ...JOB_OPTIONS, ...WORK_OPTIONS };

export type JobOptionValues = ValuesOf<typeof JOB_OPTIONS>;
export type WorkOptionValues = ValuesOf<typeof WORK_OPTIONS>;
export type AgentOptionValues = ValuesOf<typeof AGENT_OPTIONS>;

/** Throws SettingsError for a value that cannot be meant, and for values that contradict each other. */
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
      {
        hint: `leave out one of the two, or keep some for ever with ${flag} never`,
      },
    );
  }
}
