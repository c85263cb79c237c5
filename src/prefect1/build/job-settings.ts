// What the agent itself puts into every Job: its options and configuration, already merged.

/** Kubernetes quantities such as `500m` or `4Gi`; what is absent is not set. */
export interface ResourceDefaults {
  readonly cpuRequest?: string | undefined;
  readonly cpuLimit?: string | undefined;
  readonly memoryRequest?: string | undefined;
  readonly memoryLimit?: string | undefined;
}

/** The Secret, in the Jobs' namespace, and its key under which the API key stands. */
export interface KeySecret {
  readonly name: string;
  readonly key: string;
}

/** Everything that the agent contributes to a Job. */
export interface JobSettings {
  readonly namespace: string;
  /** The flow run's PREFECT__CLOUD__API, a trailing slash included. */
  readonly apiUrl: string;
  readonly backend: string;
  readonly apiKey?: string | undefined;
  /** Written into the Job only if there is an API key. */
  readonly tenantId?: string | undefined;
  /** With it the API key itself does not appear in the Job. */
  readonly keySecret?: KeySecret | undefined;
  /** The agent's labels, in the order in which the flow run shall see them. */
  readonly labels: readonly string[];
  readonly env: Readonly<Record<string, unknown>>;
  /** Whether runs send their logs to Prefect (`log_to_cloud` of the original agent). */
  readonly sendFlowRunLogs: boolean;
  /** `logging.level` of the configuration: what flow runs log, not what the agent logs. */
  readonly loggingLevel: string;
  readonly serviceAccountName?: string | undefined;
  readonly imagePullSecrets?: readonly string[] | undefined;
  /** Below the run config and the template. */
  readonly imagePullPolicy?: string | undefined;
  /** Below the run config and the template. */
  readonly resources: ResourceDefaults;
  /** True: the cluster autoscaler may evict the pods, so nothing is annotated. */
  readonly safeToEvict: boolean;
  /** Whether Dask clusters are named after their flow run. */
  readonly daskName: boolean;
  /** Who tells this Job's story: the value of its annotation `prefect.io/agent`. */
  readonly owner?: string | undefined;
}
