// What the value of a flag is: the word that stands for it in help, and what the shell can complete it with.

/** What can be looked up when a value is to be completed. */
export type Lookup = "files" | "contexts" | "clusters" | "users" | "namespaces" | "runs";

export interface FlagValue {
  readonly placeholder: string;
  /** The only values there are, or the usual ones. */
  readonly words?: readonly string[];
  readonly lookup?: Lookup;
  /** The flag may also stand alone: `--dry-run` or `--dry-run=server`. */
  readonly optional?: boolean;
}

const NUMBER: FlagValue = { placeholder: "N" };
const DURATION: FlagValue = { placeholder: "DURATION" };
const QUANTITY: FlagValue = { placeholder: "QUANTITY" };
const NAME: FlagValue = { placeholder: "NAME" };
const ID: FlagValue = { placeholder: "ID" };
const FILE: FlagValue = { placeholder: "FILE", lookup: "files" };
const URL: FlagValue = { placeholder: "URL" };
const PULL_POLICY: FlagValue = { placeholder: "POLICY", words: ["Always", "IfNotPresent", "Never"] };
const LISTING = { placeholder: "FORMAT", words: ["table", "wide", "json", "yaml", "name"] };

/** By the flag's long name; `COMMAND --flag` where a command means something of its own by it. */
const VALUES: Readonly<Record<string, FlagValue>> = {
  "--color": choice("auto", "always", "never"),
  "--api": URL,
  "--key": { placeholder: "KEY" },
  "--tenant-id": ID,
  "--backend": choice("cloud", "server"),
  "--kubeconfig": FILE,
  "--context": { placeholder: "NAME", lookup: "contexts" },
  "--cluster": { placeholder: "NAME", lookup: "clusters" },
  "--user": { placeholder: "NAME", lookup: "users" },
  "--namespace": { placeholder: "NAME", lookup: "namespaces" },
  "--server": URL,
  "--as": { placeholder: "USER" },
  "--as-group": { placeholder: "GROUP" },
  "--as-uid": { placeholder: "UID" },
  "--certificate-authority": FILE,
  "--tls-server-name": NAME,
  "--request-timeout": DURATION,
  "--label": { placeholder: "LABEL" },
  "--env": { placeholder: "NAME=VALUE" },
  "--job-template": { placeholder: "FILE|URL", lookup: "files" },
  "--service-account-name": NAME,
  "--image-pull-secrets": { placeholder: "NAMES" },
  "--key-secret": { placeholder: "NAME[:KEY]" },
  "--name": NAME,
  "--agent-config-id": ID,
  "--agent-address": URL,
  "--log-level": { placeholder: "LEVEL", words: ["DEBUG", "INFO", "WARNING", "ERROR"] },
  "--log-format": choice("text", "json"),
  "--max-polls": NUMBER,
  "--limit": NUMBER,
  "--concurrency": NUMBER,
  "--replicas": NUMBER,
  "--start-grace": DURATION,
  "--pending-timeout": DURATION,
  "--cancel-grace": DURATION,
  "--shutdown-grace": DURATION,
  "--delete-succeeded-after": { placeholder: "DURATION", words: ["never"] },
  "--delete-failed-after": { placeholder: "DURATION", words: ["never"] },
  "--on-disruption": choice("fail", "retry"),
  "--agent": { placeholder: "WHOSE", words: ["kubectl-prefect", "python"] },
  "--config-toml": FILE,
  "--rbac": { ...choice("minimal"), optional: true },
  "--image": { placeholder: "IMAGE" },
  "--image-pull-policy": PULL_POLICY,
  "--agent-image-pull-policy": PULL_POLICY,
  "--mem-request": QUANTITY,
  "--mem-limit": QUANTITY,
  "--cpu-request": QUANTITY,
  "--cpu-limit": QUANTITY,
  "--agent-mem-request": QUANTITY,
  "--agent-mem-limit": QUANTITY,
  "--agent-cpu-request": QUANTITY,
  "--agent-cpu-limit": QUANTITY,
  "--for": { placeholder: "NAMESPACE/SERVICEACCOUNT" },
  "--filename": FILE,
  "--output": LISTING,
  "install --output": choice("yaml", "json"),
  "render --output": choice("yaml", "json"),
  "inspect --output": choice("tree", "json", "yaml"),
  "cleanup --output": choice("table", "wide", "json", "yaml", "name"),
  "--wait": { ...choice("true", "false"), optional: true },
  "doctor --output": choice("text", "json", "yaml"),
  "--dry-run": { ...choice("client", "server"), optional: true },
  "render --dry-run": { ...choice("server"), optional: true },
  "--selector": { placeholder: "SELECTOR" },
  "--field-selector": { placeholder: "SELECTOR" },
  "--older-than": DURATION,
  "--every": DURATION,
  "--grace": DURATION,
  "--since": DURATION,
  "--timeout": DURATION,
  "--tail": NUMBER,
  "--chunk-size": NUMBER,
  "--run": { placeholder: "RUN", lookup: "runs" },
  "--container": NAME,
  "--state": { placeholder: "STATE" },
  "--port": { placeholder: "PORT" },
  "--runs": NUMBER,
};

/** The value of a flag of a command (`agent start`, `--limit`). Other commands' flags that are not listed: a plain one. */
export function flagValue(command: string, flag: string): FlagValue {
  return VALUES[`${command} ${flag}`] ?? VALUES[flag] ?? { placeholder: "VALUE" };
}

/** Whether a flag that can stand alone may also have a value behind `=`. */
export function hasOptionalValue(command: string, flag: string): boolean {
  return (VALUES[`${command} ${flag}`] ?? VALUES[flag])?.optional === true;
}

function choice(...words: readonly string[]): FlagValue {
  return { placeholder: words.join("|"), words };
}
