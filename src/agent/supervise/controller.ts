// supervise: changes → queue of flow runs → observed → [decide] → carryOut. Level-driven: a change brings only the key.

import { aborted } from "../../base/clock.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { WorkQueue } from "../../base/work-queue.ts";
import { textOf } from "../../base/errors.ts";
import { runAll } from "../../base/run-all.ts";
import { isUuid } from "../../base/uuid.ts";
import type { ObservedRun } from "../../job/observe/observed.ts";
import { apiAddress, namesApi } from "../../job/api-address.ts";
import type { Job } from "../../kube/client/objects.ts";
import type { JobPhase } from "../../job/observe/phase.ts";
import { jobPhase } from "../../job/observe/phase.ts";
import type { RunView, Decision } from "../../job/decide/decide.ts";
import { decide } from "../../job/decide/decide.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import { LogBatch } from "../log-batch.ts";
import type { AgentSettings } from "../settings.ts";
import { execute } from "./executor.ts";
import { ErrorThrottle } from "./error-throttle.ts";
import { DaskClearer } from "./dask.ts";
import { isCacheStale } from "./live-read.ts";
import { RunStates } from "./run-states.ts";
import { Said } from "./reported-log.ts";
import { Ownership } from "./ownership.ts";

const STATES_EVERY_MS = 60_000;
/** A round that failed is not left for a whole one. */
const AFTER_FAILURE_MS = 2_000;
const HEARTBEAT_EVERY_MS = 240_000;
const HEARTBEATS_AT_ONCE = 50;
const WORKERS = 16;
/** Changes of a observed come in flocks (a Job, its pod, their events): one look for all of them. */
const GATHER_MS = { urgent: 20, quiet: 300 };
/** Outlooks of Jobs that go their way. */
const QUIET = new Set<JobPhase["kind"]>(["live", "suspended", "pending", "stuck"]);
/** When a watch is behind: how long until it should have caught up. */
const BEHIND_MS = 1_000;
const ASSUMED_ALIVE: RunView = { kind: "known", state: { type: "Running" } };

/** Follows the Jobs of flow runs until told to stop. */
export class Supervisor {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #view: ClusterView;
  readonly #queue: WorkQueue;
  readonly #states: RunStates;
  readonly #said: Said;
  readonly #logs: LogBatch;
  readonly #ownership: Ownership;
  readonly #dask: DaskClearer;
  readonly #firstObserved = new Map<string, ReadonlyMap<string, Date>>();
  readonly #waiting = new Set<string>();
  readonly #errors: ErrorThrottle;

  constructor(deps: AgentDeps, settings: AgentSettings, view: ClusterView) {
    this.#deps = deps;
    this.#settings = settings;
    this.#view = view;
    this.#states = new RunStates(deps.prefect);
    this.#errors = new ErrorThrottle(deps.log);
    this.#said = new Said(deps.prefect);
    this.#logs = new LogBatch(deps.prefect);
    this.#ownership = new Ownership(settings.identity, deps);
    this.#dask = new DaskClearer({ ...deps, states: this.#states, view }, settings.namespace);
    this.#queue = new WorkQueue({
      clock: deps.clock,
      concurrency: WORKERS,
      work: async (flowRunId) => {
        const againMs = await this.#look(flowRunId);
        deps.meter.progress("supervise");
        return againMs;
      },
      onError: (flowRunId, error) => this.#errors.failed(flowRunId, error),
    });
  }

  /** A flow run's observed changed, or should be looked at; soon, if something of it ended. */
  enqueue(flowRunId: string, urgent = true): void {
    this.#queue.addAfter(flowRunId, urgent ? GATHER_MS.urgent : GATHER_MS.quiet);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#view.synced(), aborted(signal)]);
    await runAll(
      signal,
      (s) => this.#queue.run(s),
      (s) => this.#everySoOften(STATES_EVERY_MS, s, () => this.#refreshStates()),
      (s) => this.#everySoOften(HEARTBEAT_EVERY_MS, s, () => this.#keepUpHeartbeats()),
    );
  }

  /** Returns after how many milliseconds to look again. */
  async #look(flowRunId: string): Promise<number | undefined> {
    const first = this.#view.observe(flowRunId);
    const quiet = this.#quietDecision(first);
    if (quiet !== undefined) return this.#rest(first, quiet);
    const run = await this.#states.fresh(flowRunId);
    const observed = this.#view.observe(flowRunId);
    if (run.kind === "missing" && !this.#mayBeDeleted(observed)) return this.#leave(observed);
    const decision = this.#decide(observed, run);
    const patienceMs = await this.#patience(observed, decision);
    if (patienceMs !== undefined) return patienceMs;
    if (await isCacheStale(this.#deps.kube, observed, decision)) return BEHIND_MS;
    const alone = observed.jobs.every(({ job }) => this.#ownership.isOwn(job));
    // Others may have spoken while we waited for our turn.
    if (!alone && observed.jobs.some(({ gone }) => gone)) this.#said.readAgain(flowRunId);
    const deps = {
      ...this.#deps,
      logs: this.#logs,
      said: this.#said,
      states: this.#states,
      view: this.#view,
      dask: this.#dask,
    };
    const version = run.kind === "known" ? run.version : undefined;
    const action = { flowRunId, decision, namespace: this.#settings.namespace, alone, version };
    const againMs = await execute(deps, action);
    for (const id of this.#errors.answered(flowRunId)) this.#queue.add(id);
    if (againMs !== undefined) return Math.min(againMs, decision.requeueAfterMs ?? againMs);
    return this.#rest(observed, decision);
  }

  /** Of a Job made for another Prefect, or labelled by hand with what no flow run is called, ours cannot know the run. */
  #mayBeDeleted({ flowRunId, jobs }: ObservedRun): boolean {
    return isUuid(flowRunId) && jobs.every(({ job }) => this.#isOurs(job));
  }

  #isOurs(job: Job): boolean {
    const address = apiAddress(this.#settings.job.apiUrl);
    return address !== undefined && namesApi(job, new Set([address]));
  }

  #leave({ flowRunId, jobs }: ObservedRun): undefined {
    for (const { job, gone } of jobs) if (gone) this.#view.forgetGone(flowRunId, job.metadata.uid);
  }

  #decide(observed: ObservedRun, run: RunView): Decision {
    const firstObserved = this.#firstObserved.get(observed.flowRunId) ?? new Map<string, Date>();
    const now = this.#deps.clock.now();
    const decision = decide({
      observed,
      run,
      policy: this.#settings.policy,
      now,
      firstObserved,
    });
    if (decision.firstObserved.size === 0) this.#firstObserved.delete(observed.flowRunId);
    else this.#firstObserved.set(observed.flowRunId, decision.firstObserved);
    return decision;
  }

  /** Quiet Jobs cost no request: only what is over, or what would act if the run were alive, needs the run's state. */
  #quietDecision(observed: ObservedRun): Decision | undefined {
    const { flowRunId } = observed;
    const known = this.#states.known(flowRunId);
    if (known.kind === "known" && known.state.type === "Cancelling") return undefined;
    const jobs = observed.jobs.filter(
      ({ job, gone }) => gone || !this.#view.isExpectedGone(job.metadata.uid),
    );
    if (jobs.length === 0 && known.kind === "unknown") return undefined;
    if (jobs.some((print) => print.gone || !QUIET.has(jobPhase(print).kind))) return undefined;
    const decision = this.#decide(observed, known.kind === "unknown" ? ASSUMED_ALIVE : known);
    if (jobs.length === 0) return decision;
    const acts = decision.transition !== undefined || decision.deletions.length > 0;
    return acts || this.#said.pending(flowRunId, decision.logs).length > 0 ? undefined : decision;
  }

  /** Waits for the agent that tells this run's story, if that is another one and lives. */
  async #patience({ flowRunId, jobs }: ObservedRun, decision: Decision): Promise<number | undefined> {
    const news = this.#said.pending(flowRunId, decision.logs);
    if (news.length === 0 && decision.transition === undefined && !decision.deleteDask) return undefined;
    if (jobs.length === 0) return this.#ownership.mayReportEnd(flowRunId);
    for (const { job, gone } of jobs) {
      const waitMs = await this.#ownership.mayReport(job, gone);
      if (waitMs !== undefined) return waitMs;
    }
    this.#ownership.owns(flowRunId);
    return undefined;
  }

  #rest(observed: ObservedRun, decision: Decision): number | undefined {
    const { flowRunId } = observed;
    if (decision.heartbeat) this.#waiting.add(flowRunId);
    else this.#waiting.delete(flowRunId);
    if (decision.requeueAfterMs !== undefined) return decision.requeueAfterMs;
    for (const { job, gone } of observed.jobs) if (gone) this.#view.forgetGone(flowRunId, job.metadata.uid);
    if (observed.jobs.every(({ gone }) => gone)) this.#forget(observed);
    return undefined;
  }

  #forget({ flowRunId, jobs }: ObservedRun): void {
    this.#states.forget(flowRunId);
    this.#said.forget(flowRunId);
    this.#firstObserved.delete(flowRunId);
    this.#waiting.delete(flowRunId);
    this.#errors.forget(flowRunId);
    this.#ownership.forget(flowRunId);
    for (const { job } of jobs) this.#ownership.forget(job.metadata.uid);
  }

  async #refreshStates(): Promise<void> {
    const ids = this.#view.flowRunIds();
    this.#ownership.keepOnly(new Set([...ids, ...this.#view.jobUids()]));
    if (this.#queue.size === 0) this.#deps.meter.progress("supervise");
    for (const id of await this.#states.refresh(ids)) this.#queue.add(id);
    this.#deps.meter.progress("states");
  }

  async #keepUpHeartbeats(): Promise<void> {
    const ids = [...this.#waiting];
    for (let at = 0; at < ids.length; at += HEARTBEATS_AT_ONCE) {
      await this.#deps.prefect.heartbeat(ids.slice(at, at + HEARTBEATS_AT_ONCE));
    }
    this.#deps.meter.progress("heartbeat");
  }

  async #everySoOften(ms: number, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      let waitMs = ms;
      await task().catch((error: unknown) => {
        if (error instanceof KubeError && !error.retryable) throw error;
        this.#deps.log.debug("A round of supervision failed", { error: textOf(error) });
        waitMs = Math.min(ms, AFTER_FAILURE_MS);
      });
      await this.#deps.clock.sleep(waitMs, signal);
    }
  }
}
