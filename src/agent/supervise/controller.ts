// supervise: changes → queue of flow runs → footprint → [judge] → carryOut. Level-driven: a change brings only the key.

import { aborted } from "../../base/clock.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { WorkQueue } from "../../base/work-queue.ts";
import { textOf } from "../../base/errors.ts";
import { together } from "../../base/run-all.ts";
import { isUuid } from "../../base/uuid.ts";
import type { Footprint } from "../../job/observe/observed.ts";
import { apiAddress, namesApi } from "../../job/api-address.ts";
import type { Job } from "../../kube/client/objects.ts";
import type { Outlook } from "../../job/observe/phase.ts";
import { outlookOf } from "../../job/observe/phase.ts";
import type { RunView, Verdict } from "../../job/decide/decide.ts";
import { judge } from "../../job/decide/decide.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import { LogBatch } from "../log-batch.ts";
import type { AgentSettings } from "../settings.ts";
import { carryOut } from "./executor.ts";
import { Complaints } from "./error-throttle.ts";
import { DaskClearer } from "./dask.ts";
import { isBehind } from "./live-read.ts";
import { RunStates } from "./run-states.ts";
import { Said } from "./reported-log.ts";
import { Teller } from "./ownership.ts";

const STATES_EVERY_MS = 60_000;
/** A round that failed is not left for a whole one. */
const AFTER_FAILURE_MS = 2_000;
const HEARTBEAT_EVERY_MS = 240_000;
const HEARTBEATS_AT_ONCE = 50;
const WORKERS = 16;
/** Changes of a footprint come in flocks (a Job, its pod, their events): one look for all of them. */
const GATHER_MS = { pressing: 20, quiet: 300 };
/** Outlooks of Jobs that go their way. */
const QUIET = new Set<Outlook["kind"]>(["live", "suspended", "pending", "stuck"]);
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
  readonly #teller: Teller;
  readonly #dask: DaskClearer;
  readonly #sightings = new Map<string, ReadonlyMap<string, Date>>();
  readonly #waiting = new Set<string>();
  readonly #complaints: Complaints;

  constructor(deps: AgentDeps, settings: AgentSettings, view: ClusterView) {
    this.#deps = deps;
    this.#settings = settings;
    this.#view = view;
    this.#states = new RunStates(deps.prefect);
    this.#complaints = new Complaints(deps.log);
    this.#said = new Said(deps.prefect);
    this.#logs = new LogBatch(deps.prefect);
    this.#teller = new Teller(settings.teller, deps);
    this.#dask = new DaskClearer({ ...deps, states: this.#states, view }, settings.namespace);
    this.#queue = new WorkQueue({
      clock: deps.clock,
      concurrency: WORKERS,
      work: async (flowRunId) => {
        const againMs = await this.#look(flowRunId);
        deps.meter.progress("supervise");
        return againMs;
      },
      onError: (flowRunId, error) => this.#complaints.failed(flowRunId, error),
    });
  }

  /** A flow run's footprint changed, or should be looked at; soon, if something of it ended. */
  touch(flowRunId: string, presses = true): void {
    this.#queue.addAfter(flowRunId, presses ? GATHER_MS.pressing : GATHER_MS.quiet);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#view.synced(), aborted(signal)]);
    await together(
      signal,
      (s) => this.#queue.run(s),
      (s) => this.#everySoOften(STATES_EVERY_MS, s, () => this.#refreshStates()),
      (s) => this.#everySoOften(HEARTBEAT_EVERY_MS, s, () => this.#keepUpHeartbeats()),
    );
  }

  /** Returns after how many milliseconds to look again. */
  async #look(flowRunId: string): Promise<number | undefined> {
    const first = this.#view.footprint(flowRunId);
    const quiet = this.#quietVerdict(first);
    if (quiet !== undefined) return this.#rest(first, quiet);
    const run = await this.#states.fresh(flowRunId);
    const footprint = this.#view.footprint(flowRunId);
    if (run.kind === "missing" && !this.#mayBeDeleted(footprint)) return this.#leave(footprint);
    const verdict = this.#judge(footprint, run);
    const patienceMs = await this.#patience(footprint, verdict);
    if (patienceMs !== undefined) return patienceMs;
    if (await isBehind(this.#deps.kube, footprint, verdict)) return BEHIND_MS;
    const alone = footprint.jobs.every(({ job }) => this.#teller.isOwn(job));
    // Others may have spoken while we waited for our turn.
    if (!alone && footprint.jobs.some(({ gone }) => gone)) this.#said.doubt(flowRunId);
    const deps = {
      ...this.#deps,
      logs: this.#logs,
      said: this.#said,
      states: this.#states,
      view: this.#view,
      dask: this.#dask,
    };
    const version = run.kind === "known" ? run.version : undefined;
    const deed = { flowRunId, verdict, namespace: this.#settings.namespace, alone, version };
    const againMs = await carryOut(deps, deed);
    for (const id of this.#complaints.answered(flowRunId)) this.#queue.add(id);
    if (againMs !== undefined) return Math.min(againMs, verdict.lookAgainInMs ?? againMs);
    return this.#rest(footprint, verdict);
  }

  /** Of a Job made for another Prefect, or labelled by hand with what no flow run is called, ours cannot know the run. */
  #mayBeDeleted({ flowRunId, jobs }: Footprint): boolean {
    return isUuid(flowRunId) && jobs.every(({ job }) => this.#isOurs(job));
  }

  #isOurs(job: Job): boolean {
    const address = apiAddress(this.#settings.job.apiUrl);
    return address !== undefined && namesApi(job, new Set([address]));
  }

  #leave({ flowRunId, jobs }: Footprint): undefined {
    for (const { job, gone } of jobs) if (gone) this.#view.forgetGone(flowRunId, job.metadata.uid);
  }

  #judge(footprint: Footprint, run: RunView): Verdict {
    const sightings = this.#sightings.get(footprint.flowRunId) ?? new Map<string, Date>();
    const now = this.#deps.clock.now();
    const verdict = judge({ footprint, run, policy: this.#settings.policy, now, sightings });
    if (verdict.sighted.size === 0) this.#sightings.delete(footprint.flowRunId);
    else this.#sightings.set(footprint.flowRunId, verdict.sighted);
    return verdict;
  }

  /** Quiet Jobs cost no request: only what is over, or what would act if the run were alive, needs the run's state. */
  #quietVerdict(footprint: Footprint): Verdict | undefined {
    const { flowRunId } = footprint;
    const known = this.#states.known(flowRunId);
    if (known.kind === "known" && known.state.type === "Cancelling") return undefined;
    const jobs = footprint.jobs.filter(
      ({ job, gone }) => gone || !this.#view.isExpectedGone(job.metadata.uid),
    );
    if (jobs.length === 0 && known.kind === "unknown") return undefined;
    if (jobs.some((print) => print.gone || !QUIET.has(outlookOf(print).kind))) return undefined;
    const verdict = this.#judge(footprint, known.kind === "unknown" ? ASSUMED_ALIVE : known);
    if (jobs.length === 0) return verdict;
    const acts = verdict.settle !== undefined || verdict.remove.length > 0;
    return acts || this.#said.news(flowRunId, verdict.say).length > 0 ? undefined : verdict;
  }

  /** Waits for the agent that tells this run's story, if that is another one and lives. */
  async #patience({ flowRunId, jobs }: Footprint, verdict: Verdict): Promise<number | undefined> {
    const news = this.#said.news(flowRunId, verdict.say);
    if (news.length === 0 && verdict.settle === undefined && !verdict.clear) return undefined;
    if (jobs.length === 0) return this.#teller.mayEnd(flowRunId);
    for (const { job, gone } of jobs) {
      const waitMs = await this.#teller.mayTell(job, gone);
      if (waitMs !== undefined) return waitMs;
    }
    this.#teller.tells(flowRunId);
    return undefined;
  }

  #rest(footprint: Footprint, verdict: Verdict): number | undefined {
    const { flowRunId } = footprint;
    if (verdict.heartbeat) this.#waiting.add(flowRunId);
    else this.#waiting.delete(flowRunId);
    if (verdict.lookAgainInMs !== undefined) return verdict.lookAgainInMs;
    for (const { job, gone } of footprint.jobs) if (gone) this.#view.forgetGone(flowRunId, job.metadata.uid);
    if (footprint.jobs.every(({ gone }) => gone)) this.#forget(footprint);
    return undefined;
  }

  #forget({ flowRunId, jobs }: Footprint): void {
    this.#states.forget(flowRunId);
    this.#said.forget(flowRunId);
    this.#sightings.delete(flowRunId);
    this.#waiting.delete(flowRunId);
    this.#complaints.forget(flowRunId);
    this.#teller.forget(flowRunId);
    for (const { job } of jobs) this.#teller.forget(job.metadata.uid);
  }

  async #refreshStates(): Promise<void> {
    const ids = this.#view.flowRunIds();
    this.#teller.keepOnly(new Set([...ids, ...this.#view.jobUids()]));
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
