// What the agent's loops report, and Prometheus metrics of it. prom-client is loaded only if metrics are served.

import type { Clock } from "../../base/clock.ts";
import { Health, type Loop } from "./health.ts";

const COUNTERS = {
  polls: ["polls_total", "Successful polls"],
  runsFound: ["runs_found_total", "Due flow runs that polls returned"],
  submitted: ["submissions_total", "Flow runs for which a Job was created"],
  adopted: ["adoptions_total", "Rescheduled flow runs that kept their live Job"],
  claimsLost: ["claims_lost_total", "Flow runs that another agent claimed first"],
  submissionFailed: ["submissions_failed_total", "Flow runs for which no Job could be created, by reason"],
  resumed: ["submissions_resumed_total", "Unfinished submissions that were resumed"],
  runLogs: ["run_logs_total", "Lines written to flow runs' logs"],
  decisions: ["decisions_total", "Flow run states set by the agent, by kind"],
  deletions: ["job_deletions_total", "Jobs deleted"],
  watchRestarts: ["watch_restarts_total", "Restarts of list and watch"],
} as const;
type Counter = keyof typeof COUNTERS;

const GAUGES = {
  liveJobs: ["live_jobs", "Unfinished Jobs of flow runs"],
  limit: ["live_jobs_limit", "Maximum number of live Jobs; absent without a limit"],
  inFlight: ["submissions_in_flight", "Flow runs that are being submitted"],
} as const;
const DELAY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];
const CALL_LABELS = ["api", "operation", "result"];
const PREFIX = "kubectl_prefect_";

/** What the agent's loops report to. */
export type AgentMetrics = Pick<Metrics, "count" | "startDelay" | "progress">;

/** A finished request to one of the two APIs. */
export interface ApiCall {
  readonly api: "kubernetes" | "prefect";
  /** The verb and resource in Kubernetes, or the operation in Prefect. */
  readonly operation: string;
  /** HTTP status; 0: no response. */
  readonly status: number;
  readonly ms: number;
}

export interface Gauges {
  readonly liveJobs: number;
  readonly inFlight: number;
  /** Restarts of list and watch so far. */
  readonly watchRestarts: number;
  /** undefined: no limit. */
  readonly limit: number | undefined;
}

/** The agent's metrics; only progress is recorded before `open`. */
export class Metrics {
  readonly health: Health;
  #registered: Awaited<ReturnType<typeof register>> | undefined;

  constructor(clock: Clock) {
    this.health = new Health(clock);
  }

  async open(): Promise<void> {
    this.#registered = await register();
  }

  /** The loop has just done something, or found that there is nothing to do. */
  progress(loop: Loop): void {
    this.health.progress(loop);
  }

  count(what: Counter, reason = "", by = 1): void {
    this.#registered?.counters.get(what)?.inc({ reason }, by);
  }

  /** Records the seconds between a run's start time and its Job. */
  startDelay(seconds: number): void {
    this.#registered?.delay.observe(seconds);
  }

  observeCall({ api, operation, status, ms }: ApiCall): void {
    const result = status === 0 ? "unreachable" : `${Math.floor(status / 100)}xx`;
    this.#registered?.requests.observe({ api, operation, result }, ms / 1_000);
  }

  /** All metrics in Prometheus' text format. */
  async text(current: Gauges): Promise<{ readonly type: string; readonly body: string }> {
    if (this.#registered === undefined) return { type: "text/plain", body: "" };
    const { registry, counters, gauges, sinceProgress } = this.#registered;
    for (const [what, gauge] of gauges) {
      const value = current[what as keyof typeof GAUGES];
      // prom-client prints 0 for a gauge that was never set.
      if (value === undefined) gauge.remove();
      else gauge.set(value);
    }
    for (const [loop, ms] of this.health.ages()) sinceProgress.set({ loop }, ms / 1_000);
    counters.get("watchRestarts")?.reset();
    this.count("watchRestarts", "", current.watchRestarts);
    return { type: registry.contentType, body: await registry.metrics() };
  }
}

async function register() {
  const { Registry, Counter, Gauge, Histogram } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  const named = (name: string, help: string, ...labelNames: string[]) => {
    return { name: PREFIX + name, help, labelNames, registers };
  };
  const delay = named("start_delay_seconds", "Time from a run's start time to its Job");
  const requests = named("request_seconds", "Requests to both APIs, by operation and result", ...CALL_LABELS);
  return {
    registry,
    counters: new Map(
      Object.entries(COUNTERS).map(([what, [name, help]]) => [
        what,
        new Counter(named(name, help, "reason")),
      ]),
    ),
    gauges: Object.entries(GAUGES).map(
      ([what, [name, help]]) => [what, new Gauge(named(name, help))] as const,
    ),
    sinceProgress: new Gauge(named("seconds_since_progress", "Time since a loop last made progress", "loop")),
    delay: new Histogram({ ...delay, buckets: DELAY_BUCKETS }),
    requests: new Histogram({ ...requests, buckets: REQUEST_BUCKETS }),
  };
}
