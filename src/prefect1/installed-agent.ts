// Agents in the cluster, read from their pods: ours and Prefect's own, by arguments and variables. Pure.

import { parseArgs } from "node:util";
import { redactUrl } from "../base/redact-url.ts";
import type { Container, Pod } from "../kube/client/objects.ts";
import { jobSettings, type JobOptions } from "./config/job-settings.ts";
import { loadPrefectConfig } from "./config/load.ts";

/** The label of the agent's pods, in Prefect's own manifest and in ours. */
export const AGENT_POD_SELECTOR = "app=prefect-agent";

export interface ServiceAccountRef {
  readonly namespace: string;
  readonly name: string;
}

export type InstalledAgent = ReturnType<typeof installedAgent>;

const TEXT = { type: "string" } as const;
/** The flags that are read. `-n` is the name in Prefect's own agent, and the namespace in ours. */
const FLAGS = {
  label: { ...TEXT, short: "l", multiple: true },
  name: TEXT,
  namespace: TEXT,
  n: { ...TEXT, short: "n" },
  api: { ...TEXT, short: "a" },
  backend: { ...TEXT, short: "b" },
  "job-template": TEXT,
  "service-account-name": TEXT,
  "image-pull-secrets": TEXT,
  "key-secret": TEXT,
  "leader-elect": { type: "boolean" },
} as const;

/** `given`: what holds in place of what the pod says. Throws SettingsError for a variable that cannot be read. */
export function installedAgent(pod: Pod, given: Omit<JobOptions, "namespace">) {
  const { metadata, spec } = pod;
  const { containers = [] } = spec;
  const container = containers.find((each) => wordsOf(each).includes("agent")) ?? containers[0];
  const words = container === undefined ? [] : wordsOf(container);
  const { values } = parseArgs({ args: words, options: FLAGS, strict: false });
  const flag = (name: keyof typeof FLAGS): string | undefined =>
    typeof values[name] === "string" ? values[name] : undefined;
  const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
  const flags = { api: flag("api"), backend: flag("backend") };
  const config = loadPrefectConfig({ env, readFile: () => undefined, flags });
  const isOriginal = words[0] === "prefect";
  const namespace = flag("namespace") ?? (isOriginal ? undefined : flag("n"));
  const [secret = "", key = "api-key"] = flag("key-secret")?.split(":") ?? [];
  const settings = jobSettings(config, {
    namespace: namespace ?? config.variables.namespace?.value ?? metadata.namespace,
    labels: given.labels?.length ? given.labels : values.label?.map(String),
    serviceAccountName: given.serviceAccountName ?? flag("service-account-name"),
    imagePullSecrets: given.imagePullSecrets ?? flag("image-pull-secrets")?.split(","),
    keySecret: given.keySecret ?? (secret === "" ? undefined : { name: secret, key }),
  });
  const hasFile = env["PREFECT__USER_CONFIG_PATH"] !== undefined;
  const isApiInFile = hasFile && (flags.api ?? env["PREFECT__CLOUD__API"]) === undefined;
  return {
    pod,
    /** The container that runs it. */
    container: container?.name ?? "agent",
    /** Its name in Prefect. */
    name: flag("name") ?? (isOriginal ? flag("n") : undefined) ?? config.agent.name,
    account: { namespace: metadata.namespace, name: accountName(spec) } satisfies ServiceAccountRef,
    /** What its Jobs have in common: namespace, ServiceAccount, Secrets. */
    settings,
    /** Undefined, like `api`, if only a config.toml in its pod can say. */
    labels: hasFile && settings.labels.length === 0 ? undefined : settings.labels,
    /** The address of its Prefect API, without a password. */
    api: isApiInFile ? undefined : redactUrl(settings.apiUrl),
    /** Whether it is Prefect's own. */
    isOriginal,
    /** Whether it makes Jobs from a template that is in its pod. */
    hasTemplate: flag("job-template") !== undefined,
    leaderElect: values["leader-elect"] === true,
    /** Whether a container of its pod runs `cleanup`. */
    cleansUp: containers.some((each) => wordsOf(each).includes("cleanup")),
  };
}

/** The ServiceAccount of a pod. */
export function accountName({ serviceAccountName = "default" }: Partial<Pod["spec"]>): string {
  return serviceAccountName;
}

/** Command and arguments; those of a shell, as in Prefect's own manifest, are split into words. */
function wordsOf({ command = [], args = [] }: Container): readonly string[] {
  return command.includes("-c") ? args.flatMap((line) => line.split(/\s+/)) : [...command, ...args];
}
