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
  const entry = keyEntry(options);
  const values: AgentOptionValues = {
    ...options,
    labels: [...new Set(options.labels)],
    env: [...environmentIn(options.env)].map(([name, value]) => `${name}=${value}`),
    imagePullSecrets: namesIn(options.imagePullSecrets).join(","),
    logLevel: options.logLevel?.toUpperCase(),
    keySecret: entry && `${entry.name}:${entry.key}`,
    jobTemplate: options.jobTemplate === undefined ? options.jobTemplateUrl : JOB_TEMPLATE_PATH,
    leaderElect: electsLeader(options),
  };
  const args = Object.entries(AGENT_OPTIONS).flatMap(([name, option]) => {
    const value = values[name as keyof AgentOptionValues] || [];
    return value === true ? [option.flag] : flags(option.flag, value);
  });
  return ["agent", "start", "--agent-address=http://:8080", ...args.map(literal)];
}

/** `cleanup` every minute, of this agent's Jobs. It keeps finished Jobs for at least as long as the agent does. */
export function cleanupArguments(options: InstallOptions): readonly string[] {
  const ages = [options.deleteSucceededAfter, options.deleteFailedAfter];
  const keptMs = Math.max(...ages.map((age) => parseDuration(age || "0", "--older-than")));
  const olderThan = keptMs > CLEANUP_AGE_MS ? `${Math.ceil(keptMs / 1_000)}s` : undefined;
  const { name, labels } = options.configured ?? { name: "agent", labels: [] };
  const own = options.labels?.length ? options.labels : labels;
  const agent = [...flags("--agent", options.name || name), ...flags("--agent-label", [...new Set(own)])];
  return ["cleanup", "--every=60s", "--yes", ...flags("--older-than", olderThan), ...agent.map(literal)];
}

/** `--name=value` for each value that is not empty: one argument, so that the value may begin with a hyphen. */
function flags(name: string, values: string | readonly string[] = []): readonly string[] {
  const given = [values].flat().filter((value) => value !== "");
  return given.map((value) => `${name}=${value}`);
}
