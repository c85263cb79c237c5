// Lines of a flow run's log in Prefect.

export type RunLogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** A line of a flow run's log. */
export interface RunLog {
  readonly flowRunId: string;
  /** The logger: the agent's name for the agent's own actions, `k8s-infra` for what happened in Kubernetes. */
  readonly name: string;
  readonly level: RunLogLevel;
  readonly message: string;
  readonly timestamp?: Date | undefined;
}
