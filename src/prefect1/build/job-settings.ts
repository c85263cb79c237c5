// What the agent adds to every Job, from its options and configuration.

/** Kubernetes quantities such as `500m` or `4Gi`. */
export interface ResourceDefaults {
  readonly cpuRequest?: string | undefined;
  readonly cpuLimit?: string | undefined;
  readonly memoryRequest?: string | undefined;
  readonly memoryLimit?: string | undefined;
}

export interface JobSettings {
  readonly namespace: string;
  /** The flow run's PREFECT__CLOUD__API; keeps a trailing slash. */
  readonly apiUrl: string;
  readonly backend: string;
  readonly apiKey?: string | undefined;
  /** Used only if there is an API key. */
  readonly tenantId?: string | undefined;
  /** The Job refers to this key of a Secret in its namespace instead of containing the API key. */
  readonly keySecret?: { readonly name: string; readonly key: string } | undefined;
  /** The agent's labels, in the order that the flow run sees. */
  readonly labels: readonly string[];
  readonly env: Readonly<Record<string, unknown>>;
  /** Whether runs send their logs to Prefect (`log_to_cloud` of the original agent). */
  readonly sendFlowRunLogs: boolean;
  /** The log level of flow runs (`logging.level`), not of the agent. */
  readonly loggingLevel: string;
  readonly serviceAccountName?: string | undefined;
  readonly imagePullSecrets?: readonly string[] | undefined;
  /** The run config and the template take precedence. */
  readonly imagePullPolicy?: string | undefined;
  /** The run config and the template take precedence. */
  readonly resources: ResourceDefaults;
  /** True: do not annotate pods as not safe to evict by the cluster autoscaler. */
  readonly safeToEvict: boolean;
  /** Whether the names of Dask clusters contain the id of their flow run. */
  readonly daskName: boolean;
  /** The agent that the Job belongs to: the value of its annotation `prefect.io/agent`. */
  readonly owner?: string | undefined;
}
