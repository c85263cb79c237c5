// Combines options and configuration into the settings of every Job.

import type { JobSettings } from "../build/job-settings.ts";
import type { PrefectConfig } from "./load.ts";

/** Settings from the command line or the running agent. An empty list or map does not override the configuration. */
export interface JobOptions extends Pick<
  JobSettings,
  "namespace" | "serviceAccountName" | "imagePullSecrets" | "keySecret"
> {
  /** The tenant from the API, used if none is configured. */
  readonly tenantId?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** `--no-cloud-logs`. */
  readonly noCloudLogs?: boolean | undefined;
  readonly safeToEvict?: boolean | undefined;
  /** False: `--no-dask-name`. */
  readonly daskName?: boolean | undefined;
}

/** Precedence: options, configuration, defaults. */
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
    env: Object.keys(env).length > 0 ? env : agent.env,
    sendFlowRunLogs: options.noCloudLogs === true ? false : config.sendFlowRunLogs,
    loggingLevel: config.loggingLevel,
    serviceAccountName: options.serviceAccountName ?? variables.serviceAccountName,
    imagePullSecrets: listOf(options.imagePullSecrets) ?? listOf(variables.imagePullSecrets),
    imagePullPolicy: variables.imagePullPolicy,
    resources: variables.resources,
    safeToEvict: options.safeToEvict ?? false,
    daskName: options.daskName ?? true,
  };
}

/** Trims the names; undefined if none is left. */
function listOf(names: readonly string[] | undefined): readonly string[] | undefined {
  const trimmed = (names ?? []).map((name) => name.trim()).filter((name) => name !== "");
  return trimmed.length === 0 ? undefined : trimmed;
}
