// The dependencies of the agent's loops.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { PauseDetector } from "../base/pause-detector.ts";
import type { ServerClock } from "../base/server-clock.ts";
import type { KubeApi } from "../kube/client/api.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";
import type { AgentMetrics } from "./server/metrics.ts";
import type { AgentSettings } from "./settings.ts";

export interface AgentDeps {
  readonly settings: AgentSettings;
  readonly kube: KubeApi;
  readonly work: WorkSource;
  readonly runs: RunReporter;
  readonly clock: Clock;
  /** The time at the API server, for comparisons with times on Kubernetes objects. */
  readonly kubeTime: Pick<ServerClock, "now">;
  /** The time at Prefect, for comparisons with times of flow runs. */
  readonly prefectTime: Pick<ServerClock, "now">;
  readonly pause: Pick<PauseDetector, "pauses">;
  readonly log: Log;
  readonly metrics: AgentMetrics;
}
