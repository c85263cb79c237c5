// Prometheus metrics by prom-client, which is loaded only where they are served.

import type { Counter as PromCounter, Gauge, Histogram, Registry } from "prom-client";
import type { Counter, Loop } from "./progress.ts";

const COUNTERS: Readonly<Record<Counter, readonly [name: string, help: string]>> = {
  polls: ["polls_total", "Polls that Prefect answered"],
  runsFound: ["runs_found_total", "Due flow runs that polls found"],
  submitted: ["submissions_total", "Flow runs that became a Job"],
  adopted: ["adoptions_total", "Flow runs whose living Job was adopted"],
  claimsLost: ["claims_lost_total", "Flow runs that another agent took first"],
  submissionFailed: ["submissions_failed_total", "Flow runs that could not become a Job, by reason"],
  resumed: ["submissions_resumed_total", "Submissions that were left unfinished and finished later"],
  runLogs: ["run_logs_total", "Lines written into flow runs' logs"],
  decisions: ["decisions_total", "Flow runs settled by the agent, by kind"],
  deletions: ["job_deletions_total", "Jobs deleted"],
  watchRestarts: ["watch_restarts_total", "Lists and watches begun anew"],
};
const DELAY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];
const PREFIX = "kubectl_prefect_";

/** One request to one of the two APIs. */
export interface SeenCall {
  readonly api: "kubernetes" | "prefect";
  /** Kubernetes' verb and resource, or Prefect's operation. */
  readonly operation: string;
  /** HTTP status; 0: no answer. */
  readonly status: number;
  readonly ms: number;
}

/** What is shown of the moment. */
export interface Gauges {
  readonly liveJobs: number;
  readonly inFlight: number;
  /** Lists and watches begun so far. */
  readonly watchRestarts: number;
  /** undefined: no limit. */
  readonly limit: number | undefined;
  /** Milliseconds since each loop's last progress. */
  readonly ages: ReadonlyMap<Loop, number>;
}

/** The agent's metrics; before `open` nothing is kept. */
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
    const histogram = { name: `${PREFIX}start_delay_seconds`, help: "From a run's start time to its Job" };
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
    gauge("live_jobs", "Jobs of flow runs that are not over");
    gauge("live_jobs_limit", "Live Jobs at most; absent without a limit");
    gauge("submissions_in_flight", "Flow runs found and not yet submitted");
    gauge("seconds_since_progress", "Since a loop last got something done", ["loop"]);
  }

  count(what: Counter, reason = "", by = 1): void {
    this.#counters.get(what)?.inc({ reason }, by);
  }

  startDelay(seconds: number): void {
    this.#delay?.observe(seconds);
  }

  called({ api, operation, status, ms }: SeenCall): void {
    const result = status === 0 ? "unreachable" : `${Math.floor(status / 100)}xx`;
    this.#requests?.observe({ api, operation, result }, ms / 1_000);
  }

  /** The exposition, with the gauges as they are now. */
  async text(gauges: Gauges): Promise<{ readonly type: string; readonly body: string }> {
    this.#gauges.get("live_jobs")?.set(gauges.liveJobs);
    if (gauges.limit !== undefined) this.#gauges.get("live_jobs_limit")?.set(gauges.limit);
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
