// What shapes the printed manifests: one field per flag of `kubectl prefect install`, as the user typed it.

/** A text file that becomes a ConfigMap; the path is only for messages. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** Where Prefect is, and as whom the agent speaks to it. */
export interface ConnectionOptions {
  readonly api?: string | undefined;
  readonly backend?: string | undefined;
  readonly tenantId?: string | undefined;
  /** The API key; it goes into a Secret. */
  readonly key?: string | undefined;
  /** NAME or NAME:KEY of a Secret that exists already. */
  readonly keySecret?: string | undefined;
  /** Write the key into the Deployment as Prefect's own install does. */
  readonly inlineKey?: boolean | undefined;
  readonly configToml?: TextFile | undefined;
}

/** Options of `agent start` that shape the agent. Durations are texts such as 30s. */
export interface AgentOptions {
  readonly agentConfigId?: string | undefined;
  readonly name?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Each one NAME=VALUE. */
  readonly env?: readonly string[] | undefined;
  readonly noCloudLogs?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly logFormat?: string | undefined;
  readonly disableJobDeletion?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly startGrace?: string | undefined;
  readonly pendingTimeout?: string | undefined;
  readonly onDisruption?: string | undefined;
  readonly cancelGrace?: string | undefined;
  readonly deleteSucceededAfter?: string | undefined;
  readonly deleteFailedAfter?: string | undefined;
  readonly safeToEvict?: boolean | undefined;
  readonly noDaskName?: boolean | undefined;
  readonly shutdownGrace?: string | undefined;
  readonly leaderElect?: boolean | undefined;
}

/** Defaults for the Jobs that the agent creates. */
export interface FlowJobOptions {
  /** A template whose text goes into a ConfigMap. */
  readonly jobTemplate?: TextFile | undefined;
  /** A template that the agent fetches by itself: http(s)://, s3://, gs://. */
  readonly jobTemplateUrl?: string | undefined;
  readonly serviceAccountName?: string | undefined;
  /** One name, or several with commas between them. The agent's own pod uses them too. */
  readonly imagePullSecrets?: string | undefined;
  readonly imagePullPolicy?: string | undefined;
  readonly memRequest?: string | undefined;
  readonly memLimit?: string | undefined;
  readonly cpuRequest?: string | undefined;
  readonly cpuLimit?: string | undefined;
}

/** The agent's own Deployment and its rights. */
export interface DeploymentOptions {
  readonly namespace?: string | undefined;
  readonly image?: string | undefined;
  readonly latest?: boolean | undefined;
  readonly agentImagePullPolicy?: string | undefined;
  readonly agentMemRequest?: string | undefined;
  readonly agentMemLimit?: string | undefined;
  readonly agentCpuRequest?: string | undefined;
  readonly agentCpuLimit?: string | undefined;
  readonly replicas?: number | undefined;
  readonly resourceManager?: boolean | undefined;
  readonly rbac?: boolean | "minimal" | undefined;
}

export interface InstallOptions extends ConnectionOptions, AgentOptions, FlowJobOptions, DeploymentOptions {
  /** This program's version, which names the default image. */
  readonly version: string;
  /** `python`: the Deployment of Prefect 1.4.1's own agent. */
  readonly agent?: string | undefined;
}

/** Whether the agents elect a leader: asked for, or because there are several. */
export function electsLeader(options: InstallOptions): boolean {
  return options.leaderElect === true || (options.replicas ?? 1) > 1;
}

/** The names in a comma list such as that of --image-pull-secrets. */
export function namesIn(list: string | undefined): readonly string[] {
  return (list ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Name and value of each NAME=VALUE; everything after the first `=` is the value, the last of a name wins. */
export function environmentIn(pairs: readonly string[] | undefined): ReadonlyMap<string, string> {
  return new Map(
    (pairs ?? []).map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
