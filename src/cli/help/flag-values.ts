// What the value of a flag is, as help writes it: `FILE`, or the words that can stand there, as in `cloud|server`. Completion
// offers these words, and looks up the values of CONTEXT, NAMESPACE and RUN.

import type { OptionInfo } from "./command-metadata.ts";

/** By value; a flag with a command before it is that command's only. Others are called after their last word: `--tenant-id ID`. */
const VALUES: readonly (readonly [value: string, ...flags: readonly string[]])[] = [
  ["table|wide|json|yaml|name", "jobs --output", "cleanup --output"],
  ["tree|json|yaml", "inspect --output"],
  ["text|json|yaml", "doctor --output"],
  ["yaml|json", "install --output", "render --output"],
  ["client|server", "cleanup --dry-run", "render --dry-run"],
  ["true|false", "--wait"],
  ["minimal", "--rbac"],
  ["auto|always|never", "--color"],
  ["cloud|server", "--backend"],
  ["fail|retry", "--on-disruption"],
  ["kubectl-prefect|python", "install --agent"],
  ["NAME", "cleanup --agent"],
  ["text|json", "--log-format"],
  ["debug|info|warning|error", "--log-level"],
  ["Always|IfNotPresent|Never", "--image-pull-policy", "--agent-image-pull-policy"],
  ["DURATION|never", "--delete-succeeded-after", "--delete-failed-after", "--pending-timeout"],
  ["DURATION", "--start-grace", "--passing-grace", "--cancel-grace", "--shutdown-grace", "--grace"],
  ["DURATION", "--request-timeout", "--timeout", "--older-than", "--every", "--since"],
  ["N", "--limit", "--concurrency", "--replicas", "--max-polls", "--tail"],
  ["QUANTITY", "--mem-request", "--mem-limit", "--cpu-request", "--cpu-limit"],
  ["QUANTITY", "--agent-mem-request", "--agent-mem-limit", "--agent-cpu-request", "--agent-cpu-limit"],
  ["FILE", "--kubeconfig", "--certificate-authority", "--filename", "--config-toml"],
  ["FILE|URL", "--job-template"],
  ["URL", "--api", "--server", "--agent-address"],
  ["USER", "--as"],
  ["NAME=VALUE", "--env"],
  ["NAME[:KEY]", "--key-secret"],
  ["NAMESPACE/SERVICEACCOUNT", "--for"],
];
const VALUE_OF = new Map(VALUES.flatMap(([value, ...flags]) => flags.map((flag) => [flag, value] as const)));

/** The value of a command's flag. */
export function flagValue(command: string, flag: string): string {
  return VALUE_OF.get(`${command} ${flag}`) ?? VALUE_OF.get(flag) ?? flag.replace(/^.*-/, "").toUpperCase();
}

/** The words that a value can be: those of `cloud|server`, none of `NAME`. */
export function flagWords(value: string): readonly string[] {
  return value.split("|").filter((part) => part !== part.toUpperCase());
}

/** A flag with its value behind it: `--limit N`, or `--rbac[=minimal]`. */
export function withValue(spelling: string, command: string, { flag, value }: OptionInfo): string {
  if (value === "none") return spelling;
  const text = flagValue(command, flag);
  return value === "required" ? `${spelling} ${text}` : `${spelling}[=${text}]`;
}
