// Checks of `--agent python`: Prefect's own agent takes fewer options, and one of them differently.

import { SettingsError } from "../base/errors.ts";
import type { InstallOptions } from "./options.ts";
import { namesIn } from "./options.ts";

/** What Prefect's own install never had would be lost without a word. */
const UNKNOWN_TO_PYTHON: readonly (readonly [string, (options: InstallOptions) => unknown])[] = [
  ["--key-secret", (o) => o.keySecret],
  ["--config-toml", (o) => o.configToml],
  ["--name", (o) => o.name],
  ["--no-cloud-logs", (o) => o.noCloudLogs],
  ["--log-level", (o) => o.logLevel],
  ["--log-format", (o) => o.logFormat],
  ["--disable-job-deletion", (o) => o.disableJobDeletion],
  ["--limit", (o) => o.limit],
  ["--concurrency", (o) => o.concurrency],
  ["--start-grace", (o) => o.startGrace],
  ["--pending-timeout", (o) => o.pendingTimeout],
  ["--on-disruption", (o) => o.onDisruption],
  ["--cancel-grace", (o) => o.cancelGrace],
  ["--delete-succeeded-after", (o) => o.deleteSucceededAfter],
  ["--delete-failed-after", (o) => o.deleteFailedAfter],
  ["--safe-to-evict", (o) => o.safeToEvict],
  ["--no-dask-name", (o) => o.noDaskName],
  ["--shutdown-grace", (o) => o.shutdownGrace],
  ["--leader-elect", (o) => o.leaderElect],
  ["--job-template", (o) => o.jobTemplate ?? o.jobTemplateUrl],
  ["--agent-image-pull-policy", (o) => o.agentImagePullPolicy],
  ["--agent-mem-request", (o) => o.agentMemRequest],
  ["--agent-mem-limit", (o) => o.agentMemLimit],
  ["--agent-cpu-request", (o) => o.agentCpuRequest],
  ["--agent-cpu-limit", (o) => o.agentCpuLimit],
  ["--replicas", (o) => o.replicas],
  ["--resource-manager", (o) => o.resourceManager],
  ["--rbac=minimal", (o) => o.rbac === "minimal"],
];

/** Throws SettingsError for what the original could not express. */
export function checkPython(options: InstallOptions): void {
  const unknown = UNKNOWN_TO_PYTHON.find(([, valueIn]) => Boolean(valueIn(options)));
  if (unknown !== undefined) {
    throw new SettingsError(
      `cannot use "${unknown[0]}" with "--agent python": Prefect's own agent has no such option`,
      {
        hint: `leave out ${unknown[0]}, or --agent python`,
      },
    );
  }
  if (namesIn(options.imagePullSecrets).length > 1) {
    throw new SettingsError(
      `cannot use --image-pull-secrets "${options.imagePullSecrets}": Prefect's own agent takes one Secret here`,
      { hint: "name one Secret, or leave out --agent python" },
    );
  }
}
