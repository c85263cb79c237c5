// Prometheus metrics. prom-client is loaded only if metrics are served.

import type { Counter as PromCounter, Gauge, Histogram, Registry } from "prom-client";
import type { Counter, Loop } from "./agent-metrics.ts";

const COUNTERS: Readonly<Record<Counter, readonly [name: string, help: string]>> = {
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
};
const DELAY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];
const PREFIX = "kubectl_prefect_";

/** A finished request to one of the two APIs. */
export interface ApiCall {
  readonly api: "kubernetes" | "prefect";
  /** The verb and resource in Kubernetes, or the operation in Prefect. */
  readonly operation: string;
  /** HTTP status; 0: no response. */
  readonly status: number;
  readonly ms: number;
}

/** Current values. */
export interface Gauges {
  readonly liveJobs: number;
  readonly inFlight: number;
  /** Restarts of list and watch so far. */
  readonly watchRestarts: number;
  /** undefined: no limit. */
  readonly limit: number | undefined;
  /** Milliseconds since each loop's last progress. */
  readonly ages: ReadonlyMap<Loop, number>;
}

/** The agent's metrics; nothing is recorded before `open`. */
export class Metrics {
  #registry: Registry | undefined;
  readonly #counters = new Map<Counter, PromCounter>();
  #delay: Histogram | undefined;
  #requests: Histogram | undefined;
  readonly #gauges = new Map<string, Gauge>();

  async open(): Promise<void> {
    const prom = await import("prom-client");
    const registers = [(this.#registry = new prom.Registry())];
    for (const [what, [name, help]] of Object.entries(COUNTERS) as [Counter, readonly [string, string]][]) {
      const labelNames = ["reason"];
      this.#counters.set(what, new prom.Counter({ name: PREFIX + name, help, labelNames, registers }));
    }
    const histogram = {
      name: `${PREFIX}start_delay_seconds`,
      help: "Time from a run's start time to its Job",
    };
    this.#delay = new prom.Histogram({ ...histogram, buckets: DELAY_BUCKETS, registers });
    const requests = {
      name: `${PREFIX}request_seconds`,
      help: "Requests to both APIs, by operation and result",
    };
    const labelNames = ["api", "operation", "result"];
    this.#requests = new prom.Histogram({ ...requests, labelNames, buckets: REQUEST_BUCKETS, registers });
    const gauge = (name: string, help: string, labelNames: string[] = []): void => {
      this.#gauges.set(name, new prom.Gauge({ name: PREFIX + name, help, labelNames, registers }));
    };
    gauge("live_jobs", "Unfinished Jobs of flow runs");
    gauge("live_jobs_limit", "Maximum number of live Jobs; absent without a limit");
    gauge("submissions_in_flight", "Flow runs that are being submitted");
    gauge("seconds_since_progress", "Time since a loop last made progress", ["loop"]);
  }

  count(what: Counter, reason = "", by = 1): void {
    this.#counters.get(what)?.inc({ reason }, by);
  }

  startDelay(seconds: number): void {
    this.#delay?.observe(seconds);
  }

  observeCall({ api, operation, status, ms }: ApiCall): void {
    const result = status === 0 ? "unreachable" : `${Math.floor(status / 100)}xx`;
    this.#requests?.observe({ api, operation, result }, ms / 1_000);
  }

  /** All metrics in Prometheus' text format. */
  async text(gauges: Gauges): Promise<{ readonly type: string; readonly body: string }> {
    this.#gauges.get("live_jobs")?.set(gauges.liveJobs);
    // prom-client prints 0 for a gauge that was never set.
    if (gauges.limit === undefined) this.#registry?.removeSingleMetric(`${PREFIX}live_jobs_limit`);
    else this.#gauges.get("live_jobs_limit")?.set(gauges.limit);
    this.#gauges.get("submissions_in_flight")?.set(gauges.inFlight);
    this.#counters.get("watchRestarts")?.reset();
    this.count("watchRestarts", "", gauges.watchRestarts);
    for (const [loop, ms] of gauges.ages)
      this.#gauges.get("seconds_since_progress")?.set({ loop }, ms / 1_000);
    return {
      type: this.#registry?.contentType ?? "text/plain",
      body: (await this.#registry?.metrics()) ?? "",
    };
  }
}
