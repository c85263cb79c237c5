// Follows the Jobs of flow runs: a change brings a run's id into the queue, a worker observes the run, decides, and acts.
// Level-driven: what changed does not matter, only how things are.

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
/** A round that failed is repeated soon. */
const AFTER_FAILURE_MS = 2_000;
const HEARTBEAT_EVERY_MS = 240_000;
const HEARTBEATS_AT_ONCE = 50;
const WORKERS = 16;
/** Changes of a run come together (a Job, its pod, their events): one decision for all of them. */
const GATHER_MS = { urgent: 20, quiet: 300 };
/** Phases of Jobs that are under way. */
const QUIET = new Set<JobPhase["kind"]>(["live", "suspended", "pending", "stuck"]);
/** When a watch is behind: how long until it should have caught up. */
const STALE_MS = 1_000;
const ASSUMED_RUNNING: RunStatus = { kind: "known", state: { type: "running", name: "Running" } };

export interface ControllerParts {
  readonly view: ClusterView;
  readonly states: RunStates;
  readonly runLog: RunLogWriter;
}

/** Follows Jobs until told to stop. */
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
  /** Runs whose Jobs legitimately wait, and need heartbeats. */
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
        const againMs = await this.#handle(flowRunId);
        deps.metrics.progress("supervise");
        return againMs;
      },
      onError: (flowRunId, error) => this.#errors.failed(flowRunId, error),
    });
  }

  /** Something of a flow run changed, or it should be looked at; urgent, if something of it ended. */
  enqueue(flowRunId: string, { urgent }: { readonly urgent: boolean } = { urgent: true }): void {
    this.#queue.addAfter(flowRunId, urgent ? GATHER_MS.urgent : GATHER_MS.quiet);
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

  /** Returns after how many milliseconds to look again. */
  async #handle(flowRunId: string): Promise<number | undefined> {
    const first = this.#view.observe(flowRunId);
    const quiet = this.#decideQuietly(first);
    if (quiet !== undefined) return this.#finish(first, quiet);
    const run = await this.#states.refresh(flowRunId);
    const observed = this.#view.observe(flowRunId);
    if (run.kind === "missing" && !this.#mayBeDeleted(observed)) return this.#leave(observed);
    const decision = this.#decide(observed, run);
    const waitMs = await this.#waitForOwner(observed, decision);
    if (waitMs !== undefined) return waitMs;
    if (await isCacheStale(this.#deps.kube, observed, decision)) return STALE_MS;
    const againMs = await this.#act(observed, run, decision);
    for (const id of this.#errors.succeeded(flowRunId)) this.#queue.add(id);
    if (againMs !== undefined) return Math.min(againMs, decision.requeueAfterMs ?? againMs);
    return this.#finish(observed, decision);
  }

  #act(observed: ObservedRun, run: RunStatus, decision: Decision): Promise<number | undefined> {
    const { flowRunId, jobs } = observed;
    const isOnlyWriter = jobs.every(({ job }) => this.#ownership.isOwn(job));
    // Others may have written while we waited for our turn.
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

  /** Of a Job made for another Prefect, or labelled by hand with what no flow run is called, our Prefect cannot know the run. */
  #mayBeDeleted({ flowRunId, jobs }: ObservedRun): boolean {
    return isUuid(flowRunId) && jobs.every(({ job }) => this.#isOurs(job));
  }

  #isOurs(job: Job): boolean {
    const address = apiAddress(this.#settings.apiUrl);
    return address !== undefined && namesApi(job, new Set([address]));
  }

  #leave({ flowRunId, jobs }: ObservedRun): undefined {
    for (const { job, gone } of jobs) if (gone) this.#view.forgetGone(flowRunId, job.metadata.uid);
  }

  #decide(observed: ObservedRun, run: RunStatus): Decision {
    const firstObserved = this.#firstObserved.get(observed.flowRunId) ?? new Map<string, Date>();
    const now = this.#deps.clock.now();
    const decision = decide({ observed, run, policy: this.#settings.policy, now, firstObserved });
    if (decision.firstObserved.size === 0) this.#firstObserved.delete(observed.flowRunId);
    else this.#firstObserved.set(observed.flowRunId, decision.firstObserved);
    return decision;
  }

  /** Quiet Jobs cost no request: only what is over, or what would be acted on if the run were running, needs its state. */
  #decideQuietly(observed: ObservedRun): Decision | undefined {
    const { flowRunId } = observed;
    const known = this.#states.known(flowRunId);
    if (known.kind === "known" && known.state.type === "cancelling") return undefined;
    const jobs = observed.jobs.filter(
      ({ job, gone }) => gone || !this.#view.isExpectedGone(job.metadata.uid),
    );
    if (jobs.length === 0 && known.kind === "unknown") return undefined;
    if (jobs.some((each) => each.gone || !QUIET.has(jobPhase(each).kind))) return undefined;
    const decision = this.#decide(observed, known.kind === "unknown" ? ASSUMED_RUNNING : known);
    if (jobs.length === 0) return decision;
    const acts = decision.transition !== undefined || decision.deletions.length > 0;
    return acts || this.#reported.pending(flowRunId, decision.logs).length > 0 ? undefined : decision;
  }

  /** Milliseconds to wait for the agent that reports this run, if that is another one and lives. */
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

  /** The decision is carried through: remembers what the next one needs, forgets the rest. */
  #finish({ flowRunId, jobs }: ObservedRun, decision: Decision): number | undefined {
    if (decision.heartbeat) this.#waiting.add(flowRunId);
    else this.#waiting.delete(flowRunId);
    if (decision.requeueAfterMs !== undefined) return decision.requeueAfterMs;
    for (const { job, gone } of jobs) if (gone) this.#view.forgetGone(flowRunId, job.metadata.uid);
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
        this.#deps.log.debug("A round of supervision failed", { error: textOf(error) });
        waitMs = Math.min(ms, AFTER_FAILURE_MS);
      });
      await this.#deps.clock.sleep(waitMs, signal);
    }
  }
}
