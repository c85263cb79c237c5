// From configuration and options to what the agent puts into every Job.

import type { JobSettings, KeySecret, ResourceDefaults } from "../build/job-settings.ts";
import type { PrefectConfig } from "./load.ts";

/** What only the command line or the running agent knows. An empty list or map leaves the configuration's. */
export interface JobOptions {
  readonly namespace: string;
  /** The tenant that the API told, where the configuration names none. */
  readonly tenantId?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** `--no-cloud-logs`. */
  readonly noCloudLogs?: boolean | undefined;
  readonly serviceAccountName?: string | undefined;
  readonly imagePullSecrets?: readonly string[] | undefined;
  readonly keySecret?: KeySecret | undefined;
  readonly safeToEvict?: boolean | undefined;
  /** False: `--no-dask-name`. */
  readonly daskName?: boolean | undefined;
  readonly owner?: string | undefined;
}

/** Options above configuration above defaults. */
export function jobSettings(config: PrefectConfig, options: JobOptions): JobSettings {
  const { variables, agent } = config;
  const labels = options.labels ?? [];
  const env = options.env ?? {};
  return {
    namespace: options.namespace,
    apiUrl: config.apiUrl.value,
    backend: config.backend.value,
    apiKey: config.apiKey?.value,
    tenantId: config.tenantId?.value ?? options.tenantId,
    keySecret: options.keySecret,
    labels: labels.length > 0 ? labels : agent.labels.value,
    env: Object.keys(env).length > 0 ? env : agent.env.value,
    sendFlowRunLogs: options.noCloudLogs === true ? false : config.sendFlowRunLogs.value,
    loggingLevel: config.loggingLevel.value,
    serviceAccountName: options.serviceAccountName ?? variables.serviceAccountName?.value,
    imagePullSecrets: listOf(options.imagePullSecrets) ?? listOf(variables.imagePullSecrets?.value),
    imagePullPolicy: variables.imagePullPolicy?.value,
    resources: resourcesOf(config),
    safeToEvict: options.safeToEvict ?? false,
    daskName: options.daskName ?? true,
    owner: options.owner,
  };
}

function resourcesOf({ variables: { resources } }: PrefectConfig): ResourceDefaults {
  return {
    cpuRequest: resources.cpuRequest?.value,
    cpuLimit: resources.cpuLimit?.value,
    memoryRequest: resources.memoryRequest?.value,
    memoryLimit: resources.memoryLimit?.value,
  };
}

/** Secrets' names without white space; no names, no list. */
function listOf(names: readonly string[] | undefined): readonly string[] | undefined {
  const trimmed = (names ?? []).map((name) => name.trim()).filter((name) => name !== "");
  return trimmed.length === 0 ? undefined : trimmed;
}
