// Lines of flow runs' logs in Prefect.

export type RunLogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** A line of a flow run's log. */
export interface RunLog {
  readonly flowRunId: string;
  /** The logger: the agent's name for what the agent does, `k8s-infra` for what Kubernetes did. */
  readonly name: string;
  readonly level: RunLogLevel;
  readonly message: string;
  readonly timestamp?: Date | undefined;
}
