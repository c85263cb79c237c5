// Supervises the Jobs of flow runs: a change adds the run's id to the queue; a worker observes the run, decides and acts.
// Level-driven: only the current state matters, not what changed.

import { aborted } from "../../base/clock.ts";
import { textOf } from "../../base/errors.ts";
import { runAll } from "../../base/run-all.ts";
import { isUuid } from "../../base/uuid.ts";
import { WorkQueue } from "../../base/work-queue.ts";
import { apiAddress, namesApi } from "../../job/api-address.ts";
import { decide } from "../../job/decide/decide.ts";
import type { Decision } from "../../job/decide/types.ts";
import type { ObservedRun } from "../../job/observe/observed.ts";
import { jobPhase } from "../../job/observe/phase.ts";
import type { JobPhase } from "../../job/observe/phase.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { Job } from "../../kube/client/objects.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import type { RunLogWriter } from "../run-log.ts";
import type { RunStates } from "../run-states.ts";
import type { AgentSettings } from "../settings.ts";
import { DaskDeleter } from "./dask.ts";
import { ErrorThrottle } from "./error-throttle.ts";
import { execute } from "./executor.ts";
import { isCacheStale } from "./live-read.ts";
import { Ownership } from "./ownership.ts";
import { ReportedLog } from "./reported-log.ts";

const STATES_EVERY_MS = 60_000;
/** When to retry after an error. */
const RETRY_MS = 2_000;
const HEARTBEAT_EVERY_MS = 240_000;
const HEARTBEATS_AT_ONCE = 50;
const WORKERS = 16;
/** Changes of a Job, its pod and their events come shortly after each other: one decision for all of them. */
const DEBOUNCE_MS = { urgent: 20, normal: 300 };
const UNFINISHED = new Set<JobPhase["kind"]>(["live", "suspended", "pending", "stuck"]);
/** When to decide again if the cache is stale. */
const STALE_MS = 1_000;
const ASSUMED_RUNNING: RunStatus = { kind: "known", state: { type: "running", name: "Running" } };

export interface ControllerParts {
  readonly view: ClusterView;
  readonly states: RunStates;
  readonly runLog: RunLogWriter;
}

export class Controller {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #view: ClusterView;
  readonly #states: RunStates;
  readonly #queue: WorkQueue;
  readonly #reported: ReportedLog;
  readonly #ownership: Ownership;
  readonly #dask: DaskDeleter;
  readonly #errors: ErrorThrottle;
  readonly #firstObserved = new Map<string, ReadonlyMap<string, Date>>();
  /** Runs whose Jobs are waiting to start, and need heartbeats. */
  readonly #waiting = new Set<string>();

  constructor(deps: AgentDeps, settings: AgentSettings, { view, states, runLog }: ControllerParts) {
    this.#deps = deps;
    this.#settings = settings;
    this.#view = view;
    this.#states = states;
    this.#errors = new ErrorThrottle(deps.log);
    this.#reported = new ReportedLog(deps.runs, runLog);
    this.#ownership = new Ownership(settings.identity, deps);
    this.#dask = new DaskDeleter({ ...deps, states, view }, settings.namespace);
    this.#queue = new WorkQueue({
      clock: deps.clock,
      concurrency: WORKERS,
      work: async (flowRunId) => {
        const requeueMs = await this.#handle(flowRunId);
        deps.metrics.progress("supervise");
        return requeueMs;
      },
      onError: (flowRunId, error) => this.#errors.failed(flowRunId, error),
    });
  }

  /** Queues a flow run for a decision; urgent if one of its Jobs or pods finished. */
  enqueue(flowRunId: string, { urgent }: { readonly urgent: boolean } = { urgent: true }): void {
    this.#queue.addAfter(flowRunId, urgent ? DEBOUNCE_MS.urgent : DEBOUNCE_MS.normal);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#view.synced(), aborted(signal)]);
    await runAll(
      signal,
      (s) => this.#queue.run(s),
      (s) => this.#every(STATES_EVERY_MS, s, () => this.#refreshStates()),
      (s) => this.#every(HEARTBEAT_EVERY_MS, s, () => this.#sendHeartbeats()),
    );
  }

  /** Returns after how many milliseconds to decide again. */
  async #handle(flowRunId: string): Promise<number | undefined> {
    const first = this.#view.observe(flowRunId);
    const cached = this.#decideWithoutReading(first);
    if (cached !== undefined) return this.#finish(first, cached);
    const run = await this.#states.refresh(flowRunId);
    const observed = this.#view.observe(flowRunId);
    if (run.kind === "missing" && !this.#mayBeDeleted(observed)) return this.#forgetDeletedJobs(observed);
    const decision = this.#decide(observed, run);
    const waitMs = await this.#waitForOwner(observed, decision);
    if (waitMs !== undefined) return waitMs;
    if (await isCacheStale(this.#deps.kube, observed, decision)) return STALE_MS;
    const retryMs = await this.#act(observed, run, decision);
    for (const id of this.#errors.succeeded(flowRunId)) this.#queue.add(id);
    if (retryMs !== undefined) return Math.min(retryMs, decision.requeueAfterMs ?? retryMs);
    return this.#finish(observed, decision);
  }

  #act(observed: ObservedRun, run: RunStatus, decision: Decision): Promise<number | undefined> {
    const { flowRunId, jobs } = observed;
    const isOnlyWriter = jobs.every(({ job }) => this.#ownership.isOwn(job));
    // Other agents may have written to the log while this one waited.
    if (!isOnlyWriter && jobs.some(({ gone }) => gone)) this.#reported.readAgain(flowRunId);
    const deps = {
      ...this.#deps,
      reported: this.#reported,
      states: this.#states,
      view: this.#view,
      dask: this.#dask,
    };
    const version = run.kind === "known" ? run.state.version : undefined;
    const { namespace } = this.#settings;
    return execute(deps, { flowRunId, decision, namespace, isOnlyWriter, version });
  }

  /** Whether a missing run was deleted; false if a Job belongs to another Prefect, or its label is not a flow run id. */
  #mayBeDeleted({ flowRunId, jobs }: ObservedRun): boolean {
    return isUuid(flowRunId) && jobs.every(({ job }) => this.#isOurs(job));
  }

  #isOurs(job: Job): boolean {
    const address = apiAddress(this.#settings.apiUrl);
    return address !== undefined && namesApi(job, new Set([address]));
  }

  #forgetDeletedJobs({ flowRunId, jobs }: ObservedRun): undefined {
    for (const { job, gone } of jobs) if (gone) this.#view.forgetDeletedJob(flowRunId, job.metadata.uid);
  }

  #decide(observed: ObservedRun, run: RunStatus): Decision {
    const firstObserved = this.#firstObserved.get(observed.flowRunId) ?? new Map<string, Date>();
    const now = this.#deps.clock.now();
    const decision = decide({ observed, run, policy: this.#settings.policy, now, firstObserved });
    if (decision.firstObserved.size === 0) this.#firstObserved.delete(observed.flowRunId);
    else this.#firstObserved.set(observed.flowRunId, decision.firstObserved);
    return decision;
  }

  /** A decision by cached data alone, if no Job has finished and there is nothing to do; undefined: read the run's state. */
  #decideWithoutReading(observed: ObservedRun): Decision | undefined {
    const { flowRunId } = observed;
    const known = this.#states.known(flowRunId);
    if (known.kind === "known" && known.state.type === "cancelling") return undefined;
    const jobs = observed.jobs.filter(
      ({ job, gone }) => gone || !this.#view.isDeletionExpected(job.metadata.uid),
    );
    if (jobs.length === 0 && known.kind === "unknown") return undefined;
    if (jobs.some((job) => job.gone || !UNFINISHED.has(jobPhase(job).kind))) return undefined;
    const decision = this.#decide(observed, known.kind === "unknown" ? ASSUMED_RUNNING : known);
    if (jobs.length === 0) return decision;
    const mustAct = decision.transition !== undefined || decision.deletions.length > 0;
    return mustAct || this.#reported.pending(flowRunId, decision.logs).length > 0 ? undefined : decision;
  }

  /** How many milliseconds to wait for another agent that owns the run; undefined: this process may act. */
  async #waitForOwner({ flowRunId, jobs }: ObservedRun, decision: Decision): Promise<number | undefined> {
    const pending = this.#reported.pending(flowRunId, decision.logs);
    if (pending.length === 0 && decision.transition === undefined && !decision.deleteDask) return undefined;
    if (jobs.length === 0) return this.#ownership.mayReportEnd(flowRunId);
    for (const { job, gone } of jobs) {
      const waitMs = await this.#ownership.mayReport(job, gone);
      if (waitMs !== undefined) return waitMs;
    }
    this.#ownership.own(flowRunId);
    return undefined;
  }

  /** Forgets the run if no Job of it is left. Returns after how many milliseconds to decide again. */
  #finish({ flowRunId, jobs }: ObservedRun, decision: Decision): number | undefined {
    if (decision.heartbeat) this.#waiting.add(flowRunId);
    else this.#waiting.delete(flowRunId);
    if (decision.requeueAfterMs !== undefined) return decision.requeueAfterMs;
    for (const { job, gone } of jobs) if (gone) this.#view.forgetDeletedJob(flowRunId, job.metadata.uid);
    if (jobs.every(({ gone }) => gone)) this.#forget({ flowRunId, jobs });
    return undefined;
  }

  #forget({ flowRunId, jobs }: ObservedRun): void {
    this.#states.forget(flowRunId);
    this.#reported.forget(flowRunId);
    this.#firstObserved.delete(flowRunId);
    this.#waiting.delete(flowRunId);
    this.#errors.forget(flowRunId);
    this.#ownership.forget(flowRunId);
    for (const { job } of jobs) this.#ownership.forget(job.metadata.uid);
  }

  async #refreshStates(): Promise<void> {
    const ids = this.#view.flowRunIds();
    this.#ownership.keepOnly(new Set([...ids, ...this.#view.jobUids()]));
    if (this.#queue.size === 0) this.#deps.metrics.progress("supervise");
    for (const id of await this.#states.refreshAll(ids)) this.#queue.add(id);
    this.#deps.metrics.progress("states");
  }

  async #sendHeartbeats(): Promise<void> {
    const ids = [...this.#waiting];
    for (let at = 0; at < ids.length; at += HEARTBEATS_AT_ONCE) {
      await this.#deps.runs.keepAlive(ids.slice(at, at + HEARTBEATS_AT_ONCE));
    }
    this.#deps.metrics.progress("heartbeat");
  }

  async #every(ms: number, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      let waitMs = ms;
      await task().catch((error: unknown) => {
        if (error instanceof KubeError && !error.retryable) throw error;
        this.#deps.log.debug("A periodic task of supervision failed", { error: textOf(error) });
        waitMs = Math.min(ms, RETRY_MS);
      });
      await this.#deps.clock.sleep(waitMs, signal);
    }
  }
}
