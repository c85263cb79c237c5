// The arguments of the two containers; no shell interprets them.

import { parseDuration } from "../base/duration.ts";
import { AGENT_OPTIONS, type AgentOptionValues } from "../agent/options.ts";
import { environmentIn, namesIn } from "../agent/option-checks.ts";
import { keyEntry, literal } from "./environment.ts";
import { JOB_TEMPLATE_PATH } from "./files.ts";
import { electsLeader, type InstallOptions } from "./options.ts";

/** The default of `cleanup --older-than`. */
const CLEANUP_AGE_MS = 600_000;

/** `agent start` with every option that is set; the Prefect connection is in the environment (environment.ts). */
export function agentArguments(options: InstallOptions): readonly string[] {
  const args = [...flag("--agent-address", "http://:8080"), ...agentOptions(options)];
  return ["agent", "start", ...args.map(literal)];
}

/** `cleanup` every minute, of this agent's Jobs. It keeps finished Jobs for at least as long as the agent does. */
export function cleanupArguments(options: InstallOptions): readonly string[] {
  const keptMs = Math.max(
    durationOf(options.deleteSucceededAfter, "--delete-succeeded-after"),
    durationOf(options.deleteFailedAfter, "--delete-failed-after"),
  );
  const olderThan = keptMs > CLEANUP_AGE_MS ? `${Math.ceil(keptMs / 1_000)}s` : undefined;
  const { name, labels } = options.configured ?? { name: "agent", labels: [] };
  const own = options.labels?.length ? options.labels : labels;
  const agent = [
    ...flag("--agent", options.name || name),
    ...[...new Set(own)].flatMap((label) => flag("--agent-label", label)),
  ];
  return ["cleanup", "--every=60s", "--yes", ...flag("--older-than", olderThan), ...agent.map(literal)];
}

/** The options of `agent start`, some changed for the pod. */
function agentOptions(options: InstallOptions): readonly string[] {
  const { jobTemplate: _template, ...unchanged } = options;
  const entry = keyEntry(options);
  const values: AgentOptionValues = {
    ...unchanged,
    labels: [...new Set(options.labels)],
    env: [...environmentIn(options.env)].map(([name, value]) => `${name}=${value}`),
    imagePullSecrets: namesIn(options.imagePullSecrets).join(","),
    logLevel: options.logLevel?.toUpperCase(),
    keySecret: entry && `${entry.name}:${entry.key}`,
    jobTemplate: options.jobTemplate === undefined ? options.jobTemplateUrl : JOB_TEMPLATE_PATH,
    leaderElect: electsLeader(options),
  };
  return Object.keys(AGENT_OPTIONS).flatMap((name) =>
    argumentsOf(name as keyof typeof AGENT_OPTIONS, values),
  );
}

function argumentsOf(name: keyof typeof AGENT_OPTIONS, values: AgentOptionValues): readonly string[] {
  const option = AGENT_OPTIONS[name];
  const value = values[name];
  if (value === true) return [option.flag];
  if (typeof value === "object") return value.flatMap((each) => flag(option.flag, each));
  return typeof value === "string" ? flag(option.flag, value) : [];
}

function durationOf(text: string | undefined, flagName: string): number {
  return text ? parseDuration(text, flagName) : 0;
}

/** `--name=value` in one argument, so that a value may begin with a hyphen; nothing for an empty value. */
function flag(name: string, value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [`${name}=${value}`];
}
