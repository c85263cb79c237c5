// What the agent's loops report: progress for the health checks, counts for the metrics.

export type Counter =
  | "polls"
  | "runsFound"
  | "submitted"
  | "adopted"
  | "claimsLost"
  | "submissionFailed"
  | "resumed"
  | "runLogs"
  | "decisions"
  | "deletions"
  | "watchRestarts";

/** The agent's loops; each must make progress for the agent to be healthy. */
export const LOOPS = ["poll", "recover", "jobs", "pods", "states", "supervise", "heartbeat"] as const;
export type Loop = (typeof LOOPS)[number];

export interface AgentMetrics {
  /** Increases a counter, by 1 by default. */
  count(what: Counter, reason?: string, by?: number): void;
  /** Records the seconds between a run's start time and its Job. */
  startDelay(seconds: number): void;
  /** The loop has just done something, or found that there is nothing to do. */
  progress(loop: Loop): void;
}

export const noMetrics: AgentMetrics = { count() {}, startDelay() {}, progress() {} };
