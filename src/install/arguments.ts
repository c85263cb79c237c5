// The command lines of the two containers: what one would type at a terminal, one word each, no shell between.

import { parseDuration } from "../base/duration.ts";
import type { AgentOptionValues } from "../agent/options.ts";
import { AGENT_OPTIONS } from "../agent/options.ts";
import { environmentIn, namesIn } from "../agent/option-checks.ts";
import { keyEntry } from "./credentials.ts";
import { JOB_TEMPLATE_PATH } from "./files.ts";
import { literal } from "./literal.ts";
import type { InstallOptions } from "./options.ts";
import { electsLeader } from "./options.ts";

/** What `cleanup --older-than` is when it is not said. */
const CLEANUP_AGE_MS = 600_000;

/** `agent start` with every option that was given. Where Prefect is, the environment says (environment.ts). */
export function agentArguments(options: InstallOptions): readonly string[] {
  const words = [...flag("--agent-address", "http://:8080"), ...passedOn(options)];
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

/** The options of `agent start`, each as it was given or, where the pod needs it otherwise, as the pod does. */
function passedOn(options: InstallOptions): readonly string[] {
  const { jobTemplate: _template, ...given } = options;
  const entry = keyEntry(options);
  const values: AgentOptionValues = {
    ...given,
    labels: [...new Set(options.labels)],
    env: [...environmentIn(options.env)].map(([name, value]) => `${name}=${value}`),
    imagePullSecrets: namesIn(options.imagePullSecrets).join(","),
    logLevel: options.logLevel?.toUpperCase(),
    keySecret: entry && `${entry.name}:${entry.key}`,
    jobTemplate: options.jobTemplate === undefined ? options.jobTemplateUrl : JOB_TEMPLATE_PATH,
    leaderElect: electsLeader(options),
  };
  return Object.keys(AGENT_OPTIONS).flatMap((name) => wordsOf(name as keyof typeof AGENT_OPTIONS, values));
}

function wordsOf(name: keyof typeof AGENT_OPTIONS, values: AgentOptionValues): readonly string[] {
  const option = AGENT_OPTIONS[name];
  const value = values[name];
  if (value === true) return [option.flag];
  if (typeof value === "object") return value.flatMap((each) => flag(option.flag, each));
  return typeof value === "string" ? flag(option.flag, value) : [];
}

function keptFor(age: string | undefined, name: string): number {
  return age ? parseDuration(age, name) : 0;
}

/** `--name=value` as one word, so that a value may begin with a hyphen; nothing for an empty value. */
function flag(name: string, value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [`${name}=${value}`];
}
