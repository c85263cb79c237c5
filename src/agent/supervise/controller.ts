// Supervises the Jobs of flow runs: a change adds the run's id to the queue; a worker observes the run, decides and acts.
// Level-driven: only the current state matters, not what changed.

import { aborted } from "../../base/clock.ts";
import { runAll } from "../../base/run-all.ts";
import { isUuid } from "../../base/uuid.ts";
import { WorkQueue, type Requeue } from "../../base/work-queue.ts";
import { decide } from "../../job/decide/decide.ts";
import type { Decision, RunLogEntry } from "../../job/decide/types.ts";
import type { ObservedJob, ObservedRun } from "../../job/observe/observed.ts";
import { flowRunIdOf } from "../../job/labels.ts";
import { isJobFinished, isUnfinished, jobPhase } from "../../job/observe/phase.ts";
import type { Job } from "../../kube/client/objects.ts";
import { isDone, type RunStatus } from "../../orchestrator/flow-run.ts";
import { PROCESS_TIMEOUT_MS, type Standing } from "../ownership.ts";
import { every, keepAlive } from "../periodic.ts";
import type { SharedState } from "../shared-state.ts";
import { DaskDeleter } from "./dask.ts";
import { EndedRuns } from "./ended-runs.ts";
import { ErrorThrottle } from "./error-throttle.ts";
import { execute, isCacheStale, isStateCurrent, type Deps } from "./executor.ts";
import { LastLaunch } from "./last-launch.ts";
import { ReportedLog } from "./reported-log.ts";
import { forgetCompleted } from "./vanished.ts";

const STATES_EVERY_MS = 60_000;
const WORKERS_EVERY_MS = 3_000;
const HEARTBEAT_EVERY_MS = 240_000;
/** Of what waits since an earlier process: when that has ended, Prefect's ten minutes may soon be over. */
const FIRST_HEARTBEAT_MS = 30_000;
const WORKERS = 32;
/** Changes of a Job, its pod and their events come shortly after each other: one decision for all of them. */
const DEBOUNCE_MS = { urgent: 20, normal: 300 };
const ASSUMED_RUNNING: RunStatus = { kind: "known", state: { type: "running", name: "Running" } };

/** By the Jobs' uids. */
type Standings = ReadonlyMap<string, Standing>;

export class Controller {
  readonly #deps: Deps;
  readonly #queue: WorkQueue;
  readonly #lastLaunch: LastLaunch;
  readonly #errors: ErrorThrottle;
  readonly #firstObserved = new Map<string, ReadonlyMap<string, Date>>();
  /** Runs whose Jobs are waiting to start, and need heartbeats. */
  readonly #waiting = new Set<string>();
  /** Runs all of whose Jobs are other agents'. */
  readonly #foreign = new Set<string>();
  #pauses = 0;

  constructor(deps: SharedState) {
    const ended = new EndedRuns(deps.log, () => deps.kubeTime.now());
    this.#deps = { ...deps, reported: new ReportedLog(deps), dask: new DaskDeleter(deps), ended };
    this.#errors = new ErrorThrottle(deps);
    this.#lastLaunch = new LastLaunch(deps);
    this.#queue = new WorkQueue({
      clock: deps.clock,
      concurrency: WORKERS,
      work: async (flowRunId) => {
        const requeue = await this.#handle(flowRunId);
        deps.metrics.progress("supervise");
        return requeue;
      },
      onError: (flowRunId, error) => this.#errors.failed(flowRunId, error),
    });
  }

  /** Queues a flow run for a decision; urgent if one of its Jobs or pods finished. */
  enqueue(flowRunId: string, { urgent }: { readonly urgent: boolean } = { urgent: true }): void {
    this.#queue.addAfter(flowRunId, urgent ? DEBOUNCE_MS.urgent : DEBOUNCE_MS.normal);
  }

  /** Decides again about the Jobs of other agents: one of these agents is gone, or is back. */
  otherAgentsChanged(): void {
    for (const flowRunId of this.#foreign) this.#queue.add(flowRunId);
  }

  /** Whether the Job is known to be another agent's. */
  isForeign({ metadata }: Job): boolean {
    return this.#foreign.has(flowRunIdOf(metadata) ?? "");
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#deps.view.synced(), aborted(signal)]);
    await runAll(
      signal,
      (s) => this.#queue.run(s),
      (s) => every(STATES_EVERY_MS, () => this.#refreshStates(), this.#deps, s),
      (s) => every(WORKERS_EVERY_MS, () => this.#deps.dask.deleteLateWorkers(), this.#deps, s),
      async (s) => {
        await this.#deps.clock.sleep(FIRST_HEARTBEAT_MS, s);
        await every(HEARTBEAT_EVERY_MS, () => this.#keepAlive(), this.#deps, s);
      },
    );
  }

  async #handle(flowRunId: string): Promise<Requeue> {
    if (!(await this.#refreshAfterPause())) return undefined;
    const startedAt = this.#deps.clock.ticks();
    const first = this.#deps.view.observe(flowRunId);
    if (first.jobs.length > 0 && first.jobs.every(({ job }) => this.#deps.ownership.isLivingAgents(job)))
      return this.#leaveToOthers(first);
    const cached = this.#decideWithoutReading(first);
    if (cached !== undefined) return this.#finish(first, cached);
    const run = await this.#deps.states.refresh(flowRunId);
    const observed = this.#deps.view.observe(flowRunId);
    const standings = await this.#standingsOf(observed, run);
    const ours = observed.jobs.filter(({ job }) => standings.get(job.metadata.uid) !== "others");
    const isWithoutJob = observed.jobs.length === 0 && this.#deps.ownership.isOursWithoutJob(flowRunId, run);
    if (ours.length === 0 && !isWithoutJob) return this.#leaveToOthers(observed);
    this.#foreign.delete(flowRunId);
    this.#deps.ended.read(flowRunId, run);
    if (!isDone(run)) this.#deps.dask.forget(flowRunId);
    // Prefect does not know what is no flow run id.
    if (run.kind === "missing" && !isUuid(flowRunId)) return this.#forgetDeletedJobs(observed);
    const decideBy = (of: RunStatus): Decision => this.#decide(observed, of, standings);
    const decision = await this.#lastLaunch.decide(run, observed, decideBy);
    if (decision.transition?.kind === "fail" && (await forgetCompleted(this.#deps, observed, run))) return 0;
    const waitMs = await this.#waitForTurn({ flowRunId, jobs: ours }, decision, standings);
    if (waitMs !== undefined) return waitMs;
    if (await isCacheStale(this.#deps, observed, decision)) return "again";
    if (!(await isStateCurrent(this.#deps, flowRunId, { run, decision }))) return 0;
    const requeue = await this.#act({ flowRunId, jobs: ours, startedAt }, run, decision);
    for (const id of this.#errors.succeeded(flowRunId)) this.#queue.add(id);
    if (typeof requeue === "number") return Math.min(requeue, decision.requeueAfterMs ?? requeue);
    return requeue ?? this.#finish(observed, decision);
  }

  #act(
    { flowRunId, jobs, startedAt }: ObservedRun & { readonly startedAt: number },
    run: RunStatus,
    decision: Decision,
  ): Promise<Requeue> {
    // Others may have told: of an end, and of what this process is slow to tell, since it is then taken for gone.
    const nowMs = this.#deps.kubeTime.now().getTime();
    const isFresh = ({ timestamp }: RunLogEntry): boolean =>
      timestamp !== undefined && nowMs - timestamp.getTime() < PROCESS_TIMEOUT_MS;
    const readsAgain =
      decision.transition !== undefined ||
      isDone(run) ||
      this.#deps.clock.ticks() - startedAt >= PROCESS_TIMEOUT_MS ||
      jobs.some(({ job, gone }) => gone || isJobFinished(job)) ||
      !this.#deps.reported.pending(flowRunId, decision.logs).every(isFresh);
    const uids = new Set(jobs.map(({ job }) => job.metadata.uid));
    const isOwn = ({ job, gone }: ObservedJob): boolean => !gone && this.#deps.ownership.isOwn(job);
    const isOnlyWriter = (): boolean =>
      this.#deps.view
        .observe(flowRunId)
        .jobs.every((each) => !uids.has(each.job.metadata.uid) || isOwn(each));
    const { version } = run.state ?? {};
    return execute(this.#deps, { flowRunId, decision, isOnlyWriter, readsAgain, version });
  }

  /** What was cached before a pause of this process is old: other processes may have acted meanwhile. False: it stops. */
  async #refreshAfterPause(): Promise<boolean> {
    const { pauses } = this.#deps.pause;
    if (pauses === this.#pauses) return true;
    const isFresh = await this.#deps.view.refresh();
    if (isFresh) this.#pauses = pauses;
    return isFresh;
  }

  async #standingsOf({ flowRunId, jobs }: ObservedRun, run: RunStatus): Promise<Standings> {
    const standings = new Map<string, Standing>();
    for (const observed of jobs) {
      const standing = await this.#deps.ownership.standing(observed, flowRunId, run);
      standings.set(observed.job.metadata.uid, standing);
    }
    return standings;
  }

  #leaveToOthers(observed: ObservedRun): undefined {
    const { flowRunId, jobs } = observed;
    this.#forgetDeletedJobs(observed);
    this.#waiting.delete(flowRunId);
    this.#deps.states.forget(flowRunId);
    if (jobs.some(({ gone }) => !gone)) this.#foreign.add(flowRunId);
    else this.#forget(observed);
  }

  #forgetDeletedJobs({ flowRunId, jobs }: ObservedRun): undefined {
    for (const { job, gone } of jobs) if (gone) this.#deps.view.forgetDeletedJob(flowRunId, job.metadata.uid);
  }

  #decide(observed: ObservedRun, run: RunStatus, standings?: Standings): Decision {
    const firstObserved = this.#firstObserved.get(observed.flowRunId) ?? new Map<string, Date>();
    const now = this.#deps.kubeTime.now();
    const { policy, place } = this.#deps.settings;
    const standingOf = (job: Job): Standing => standings?.get(job.metadata.uid) ?? "ours";
    const isOurs = (job: Job): boolean => standingOf(job) !== "others";
    const decision = decide({ observed, isOurs, run, policy, place, now, firstObserved });
    if (decision.firstObserved.size === 0) this.#firstObserved.delete(observed.flowRunId);
    else this.#firstObserved.set(observed.flowRunId, decision.firstObserved);
    const deletions = decision.deletions.filter(({ job }) => standingOf(job) === "ours");
    const notOurs = observed.jobs.filter(({ job }) => standingOf(job) !== "ours");
    // A Job that another agent keeps may be of an earlier launch; what still works of it is looked for before the deletion.
    const areKept = notOurs.length < observed.jobs.length && notOurs.every(({ job }) => isJobFinished(job));
    const mayDeleteDask = notOurs.length === 0 || areKept;
    return { ...decision, deletions, deleteDask: decision.deleteDask && mayDeleteDask };
  }

  /** A decision by cached data alone, if no Job has finished and there is nothing to do; undefined: read the run's state. */
  #decideWithoutReading(observed: ObservedRun): Decision | undefined {
    const { flowRunId } = observed;
    const known = this.#deps.states.known(flowRunId);
    if (known.state?.type === "cancelling") return undefined;
    const { view } = this.#deps;
    const jobs = observed.jobs.filter((each) => each.gone || !view.isDeletionExpected(each.job.metadata.uid));
    if (!jobs.every(({ job }) => this.#deps.ownership.isOurs(job))) return undefined;
    if (jobs.length === 0 && known.kind === "unknown") return undefined;
    if (jobs.some((job) => job.gone || !isUnfinished(jobPhase(job)))) return undefined;
    const decision = this.#decide(observed, known.kind === "unknown" ? ASSUMED_RUNNING : known);
    if (jobs.length === 0) return decision;
    const mustAct = decision.transition !== undefined || decision.deletions.length > 0;
    return mustAct || this.#deps.reported.pending(flowRunId, decision.logs).length > 0 ? undefined : decision;
  }

  /** How many milliseconds to wait for the process whose turn it is; undefined: this process may act. */
  async #waitForTurn(
    { flowRunId, jobs }: ObservedRun,
    decision: Decision,
    standings: Standings,
  ): Promise<number | undefined> {
    let due = this.#dueOf(flowRunId, decision);
    if (due.length === 0) return undefined;
    const owner = this.#deps.ownership;
    if (jobs.length === 0) return owner.mayReportEnd(flowRunId);
    const isOurs = ({ job }: ObservedJob): boolean => standings.get(job.metadata.uid) === "ours";
    const takesOver = jobs.some((job) => isOurs(job) && owner.wouldTakeOver(job, due));
    // The process that comes first may have done it: then it keeps the Job.
    if (takesOver) await this.#deps.reported.refresh(flowRunId);
    due = this.#dueOf(flowRunId, decision);
    if (due.length === 0) return undefined;
    for (const observed of jobs) {
      const { uid } = observed.job.metadata;
      const waitMs = isOurs(observed) ? await owner.mayAct(observed, due) : owner.mayReportEnd(uid);
      if (waitMs !== undefined) return waitMs;
    }
    owner.own(flowRunId);
    return undefined;
  }

  /** What there is to do that nobody is known to have done. Not Dask clusters: they may be deleted twice. */
  #dueOf(flowRunId: string, { transition, deletions, logs }: Decision): readonly string[] {
    const acts = [...(transition ? ["a state"] : []), ...(deletions.length > 0 ? ["a deletion"] : [])];
    return [...acts, ...this.#deps.reported.pending(flowRunId, logs).map(({ key }) => key)];
  }

  /** Forgets the run if no Job of it is left. Returns after how many milliseconds to decide again. */
  #finish({ flowRunId, jobs }: ObservedRun, decision: Decision): number | undefined {
    if (decision.heartbeat) this.#waiting.add(flowRunId);
    else this.#waiting.delete(flowRunId);
    // Nothing is due any more: what is due later is due for the process that comes first.
    for (const { job } of jobs) this.#deps.ownership.stopWaiting(job);
    if (decision.requeueAfterMs !== undefined) return decision.requeueAfterMs;
    // A pod may work on without its Job.
    const over = jobs.filter((observed) => observed.gone && !isUnfinished(jobPhase(observed)));
    for (const { job } of over) this.#deps.view.forgetDeletedJob(flowRunId, job.metadata.uid);
    if (over.length === jobs.length) this.#forget({ flowRunId, jobs });
    return undefined;
  }

  #forget({ flowRunId, jobs }: ObservedRun): void {
    this.#deps.states.forget(flowRunId);
    this.#deps.reported.forget(flowRunId);
    this.#firstObserved.delete(flowRunId);
    this.#waiting.delete(flowRunId);
    this.#foreign.delete(flowRunId);
    this.#deps.others.forget(flowRunId);
    this.#errors.forget(flowRunId);
    this.#deps.dask.forget(flowRunId);
    for (const id of [flowRunId, ...jobs.map(({ job }) => job.metadata.uid)]) this.#deps.ownership.forget(id);
  }

  /** Prefect would start runs whose Jobs wait to start a second time. */
  async #keepAlive(): Promise<void> {
    await keepAlive(this.#deps.runs, [...this.#waiting]);
    this.#deps.metrics.progress("heartbeat");
  }

  async #refreshStates(): Promise<void> {
    const all = this.#deps.view.flowRunIds();
    const ids = all.filter((id) => !this.#foreign.has(id));
    this.#deps.ownership.keepOnly(new Set([...all, ...this.#deps.view.jobUids()]));
    if (this.#queue.size === 0) this.#deps.metrics.progress("supervise");
    for (const id of await this.#deps.states.refreshAll(ids)) this.#queue.add(id);
    this.#deps.metrics.progress("states");
  }
}
