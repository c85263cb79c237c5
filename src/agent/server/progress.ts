// What the loops report of themselves: last progress for health, counts for metrics. The loops know nothing of either.

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

/** The agent's loops: without any one of them it is only half an agent. Each reports by this name. */
export const LOOPS = ["poll", "recover", "jobs", "pods", "states", "supervise", "heartbeat"] as const;
export type Loop = (typeof LOOPS)[number];

export interface AgentMetrics {
  /** One more of it, told apart by a reason where there are several. */
  count(what: Counter, reason?: string, by?: number): void;
  /** Seconds between a run's start time and its Job. */
  startDelay(seconds: number): void;
  /** The loop of this name has just got something done, or has seen that there is nothing to do. */
  progress(loop: Loop): void;
}

/** Counts nothing. */
export const noMetrics: AgentMetrics = { count() {}, startDelay() {}, progress() {} };
