// The command lines of the two containers: what one would type at a terminal, one word each, no shell between.

import { parseDuration } from "../base/duration.ts";
import { keyEntry } from "./credentials.ts";
import { JOB_TEMPLATE_PATH } from "./files.ts";
import { literal } from "./literal.ts";
import type { InstallOptions } from "./options.ts";
import { electsLeader, environmentIn, namesIn } from "./options.ts";

/** What `cleanup --older-than` is when it is not said. */
const CLEANUP_AGE_MS = 600_000;

/** `agent start` with every option that was given. Where Prefect is, the environment says (environment.ts). */
export function agentArguments(options: InstallOptions): readonly string[] {
  const words = [
    ...flag("--agent-address", "http://:8080"),
    ...identity(options),
    ...jobFlags(options),
    ...followFlags(options),
    ...flag("--shutdown-grace", options.shutdownGrace),
    ...(electsLeader(options) ? ["--leader-elect"] : []),
  ];
  return ["agent", "start", ...words.map(literal)];
}

/**
 * `cleanup` for ever. It must not take what the agent was told to keep for a while: finished Jobs younger than
 * the longest such time are left alone.
 */
export function cleanupArguments(options: InstallOptions): readonly string[] {
  const keptMs = Math.max(
    keptFor(options.deleteSucceededAfter, "--delete-succeeded-after"),
    keptFor(options.deleteFailedAfter, "--delete-failed-after"),
  );
  const olderThan = keptMs > CLEANUP_AGE_MS ? `${Math.ceil(keptMs / 1_000)}s` : undefined;
  return ["cleanup", "--every=60s", "--yes", ...flag("--older-than", olderThan)];
}

function identity(options: InstallOptions): string[] {
  return [
    ...flag("--name", options.name),
    ...flag("--agent-config-id", options.agentConfigId),
    ...[...new Set(options.labels)].flatMap((label) => flag("--label", label)),
    ...flag("--log-level", options.logLevel?.toUpperCase()),
    ...flag("--log-format", options.logFormat),
  ];
}

function jobFlags(options: InstallOptions): string[] {
  const entry = keyEntry(options);
  const pullSecrets = namesIn(options.imagePullSecrets);
  return [
    ...[...environmentIn(options.env)].flatMap(([name, value]) => flag("--env", `${name}=${value}`)),
    ...flag("--key-secret", entry === undefined ? undefined : `${entry.name}:${entry.key}`),
    ...flag("--job-template", options.jobTemplate === undefined ? options.jobTemplateUrl : JOB_TEMPLATE_PATH),
    ...flag("--service-account-name", options.serviceAccountName),
    ...flag("--image-pull-secrets", pullSecrets.join(",")),
    ...(options.noCloudLogs ? ["--no-cloud-logs"] : []),
    ...(options.noDaskName ? ["--no-dask-name"] : []),
    ...(options.safeToEvict ? ["--safe-to-evict"] : []),
    ...flag("--limit", options.limit),
    ...flag("--concurrency", options.concurrency),
  ];
}

function followFlags(options: InstallOptions): string[] {
  return [
    ...flag("--start-grace", options.startGrace),
    ...flag("--pending-timeout", options.pendingTimeout),
    ...flag("--on-disruption", options.onDisruption),
    ...flag("--cancel-grace", options.cancelGrace),
    ...flag("--delete-succeeded-after", options.deleteSucceededAfter),
    ...flag("--delete-failed-after", options.deleteFailedAfter),
    ...(options.disableJobDeletion ? ["--disable-job-deletion"] : []),
  ];
}

function keptFor(age: string | undefined, name: string): number {
  return age ? parseDuration(age, name) : 0;
}

/** `--name=value` as one word, so that a value may begin with a hyphen; nothing for an empty value. */
function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined || value === "" ? [] : [`${name}=${value}`];
}
