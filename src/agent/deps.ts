// The dependencies of the agent's loops.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { KubeApi } from "../kube/client/api.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";
import type { AgentMetrics } from "./server/agent-metrics.ts";

export interface AgentDeps {
  readonly kube: KubeApi;
  readonly work: WorkSource;
  readonly runs: RunReporter;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: AgentMetrics;
  /** Whether the process with this identity is known to have ended. */
  readonly isDead: (identity: string) => boolean;
}
