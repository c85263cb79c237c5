// The agent's view of the cluster: Jobs, pods and events of flow runs, watched and indexed by flow run.

import { addTo, removeFrom } from "../base/index-map.ts";
import { aborted } from "../base/clock.ts";
import { isForbidden } from "../kube/client/errors.ts";
import type { Job, KubeEvent, Pod, Resource } from "../kube/client/objects.ts";
import { Reflector, type Change } from "../kube/cache/reflector.ts";
import { Transform } from "../job/transform.ts";
import {
  formerJobOf,
  isLetGo,
  jobUidOf,
  type ObservedRun,
  type ObservedJob,
} from "../job/observe/observed.ts";
import { FLOW_RUN_LABEL, flowRunIdOf, isAgentJob } from "../job/labels.ts";
import { workingPods } from "../job/observe/disruption.ts";
import { isLive, isJobFinished, jobPhase } from "../job/observe/phase.ts";
import { isEnding } from "../job/observe/pod-termination.ts";
import { runAll } from "../base/run-all.ts";
import type { AgentDeps } from "./deps.ts";
import { Outage } from "./outage.ts";
import { every } from "./periodic.ts";
import { UnreachableNodes } from "./unreachable-nodes.ts";

interface ViewDeps extends Pick<AgentDeps, "kube" | "clock" | "kubeTime" | "log" | "metrics" | "settings"> {
  /** Whether a Job is this agent's, for counting. */
  readonly isOurs: (job: Job) => boolean;
  /** Called when the watch has delivered a Job of a flow run. */
  readonly onJob: (flowRunId: string) => void;
  /** Called for each change of a flow run's objects; `urgent`: a Job or pod finished or was deleted. */
  readonly onChange: (flowRunId: string, how: { readonly urgent: boolean }) => void;
}

/** Leaves out events that only repeat what Jobs show themselves. */
const EVENT_FIELD_SELECTOR = "reason!=SuccessfulCreate,reason!=Completed";
const RELIST_MS = 600_000;
/** After how long a list that was forbidden is tried again at first. */
const FORBIDDEN_MS = 15_000;
const PRUNE_MS = 60_000;

export class ClusterView {
  readonly #deps: ViewDeps;
  readonly jobs: Reflector<"jobs", Job>;
  readonly pods: Reflector<"pods", Pod>;
  readonly events: Reflector<"events", KubeEvent>;
  readonly nodes: UnreachableNodes;
  readonly #jobsByRun = new Map<string, Set<string>>();
  readonly #podsByJob = new Map<string, Set<string>>();
  /** By the uid of a Job or pod: the uids of its events. */
  readonly #eventsOf = new Map<string, Set<string>>();
  /** By the uid of a Job: its deleted pods, as last observed. */
  readonly #deletedPods = new Map<string, Pod[]>();
  /** By run, then uid: Jobs that were deleted, not by this agent, until that is reported and their pods are gone. */
  readonly #deletedJobs = new Map<string, Map<string, Job>>();
  readonly #expectedDeletions = new Set<string>();

  constructor(deps: ViewDeps) {
    this.#deps = deps;
    const { kube, clock, settings, metrics } = deps;
    const { namespace } = settings;
    const transform = new Transform();
    const watching = <R extends Resource>(resource: R) => {
      const outage = new Outage(`Kubernetes API (${resource})`, deps);
      const onOutage = (error: unknown): void => outage.record(error);
      return { kube, clock, resource, relistMs: RELIST_MS, onOutage, onRecovery: () => outage.recovered() };
    };
    const query = { namespace, labelSelector: FLOW_RUN_LABEL };
    this.jobs = new Reflector({
      ...watching("jobs"),
      query,
      onActivity: () => metrics.progress("jobs"),
      // A flow may make Jobs itself: they are not the agent's.
      transform: (job) => (isAgentJob(job.metadata) ? transform.job(job) : undefined),
      onChange: (change) => this.#jobChanged(change),
    });
    this.pods = new Reflector({
      ...watching("pods"),
      query,
      onActivity: () => metrics.progress("pods"),
      transform: (pod) => transform.pod(pod),
      onChange: (change) => this.#podChanged(change),
    });
    const events = watching("events");
    this.events = new Reflector({
      ...events,
      onOutage: (error) => {
        if (isForbidden(error)) throw error;
        events.onOutage(error);
      },
      query: { namespace, fieldSelector: EVENT_FIELD_SELECTOR },
      transform: (event) => (this.#isRelevant(event) ? transform.event(event) : undefined),
      onChange: (change) => this.#eventChanged(change),
    });
    this.nodes = new UnreachableNodes({
      ...deps,
      pods: () => this.pods.values(),
      onChange: ({ metadata }) => deps.onChange(flowRunIdOf(metadata) ?? "", { urgent: false }),
    });
  }

  async synced(): Promise<void> {
    await Promise.all([this.jobs.synced, this.pods.synced]);
  }

  /** Watches until the signal aborts. Events come last: Jobs and pods decide which ones are relevant. */
  async run(signal: AbortSignal): Promise<void> {
    await runAll(
      signal,
      (s) => this.jobs.run(s),
      (s) => this.pods.run(s),
      async (s) => {
        await Promise.race([this.synced(), aborted(s)]);
        if (!s.aborted) await this.#watchEvents(s);
      },
      (s) => every(PRUNE_MS, () => this.#pruneEvents(), this.#deps, s),
      (s) => this.nodes.run(s),
    );
  }

  /** Without permission to read events everything else continues; the permission may be granted later. */
  async #watchEvents(signal: AbortSignal): Promise<void> {
    for (let refusals = 0; !signal.aborted; refusals++) {
      try {
        await this.events.run(signal);
      } catch (error) {
        if (!isForbidden(error)) throw error;
        const missing = "Missing permission to read events: run logs will not show why pods cannot start";
        if (refusals === 0) this.#deps.log.warn(missing, { error: error.detail });
        // An API server that has just started refuses for a moment what its RBAC allows.
        await this.#deps.clock.sleep(Math.min(RELIST_MS, FORBIDDEN_MS * 2 ** refusals), signal);
      }
    }
  }

  /** The ids of all runs with Jobs, including recently deleted ones. */
  flowRunIds(): string[] {
    return [...new Set([...this.#jobsByRun.keys(), ...this.#deletedJobs.keys()])];
  }

  /** The uids of all Jobs, including recently deleted ones. */
  jobUids(): string[] {
    return [...this.#jobsByRun.values(), ...this.#deletedJobs.values()].flatMap((uids) => [...uids.keys()]);
  }

  observe(flowRunId: string): ObservedRun {
    const existing = [...(this.#jobsByRun.get(flowRunId) ?? [])].flatMap((uid) => this.jobs.get(uid) ?? []);
    const deleted = [...(this.#deletedJobs.get(flowRunId)?.values() ?? [])];
    const observed = existing.map((job) => this.#observeJob(job, false));
    return { flowRunId, jobs: [...observed, ...deleted.map((job) => this.#observeJob(job, true))] };
  }

  /** A Job of the run that works on it or can still start to. */
  liveJobOf(flowRunId: string): Job | undefined {
    const now = this.#deps.kubeTime.now();
    return this.observe(flowRunId).jobs.find((job) => !job.gone && isLive(jobPhase(job), now))?.job;
  }

  /** The run's Job of this name; one that was deleted, too, until that is reported. */
  jobNamed(flowRunId: string, name: string): Job | undefined {
    return this.observe(flowRunId).jobs.find(({ job }) => job.metadata.name === name)?.job;
  }

  /** The number of this agent's Jobs that have not finished, without those that only a finalizer or a lost node still keeps. */
  liveJobs(): number {
    const now = this.#deps.kubeTime.now();
    const isKept = (job: Job): boolean =>
      job.metadata.deletionTimestamp !== undefined &&
      workingPods(this.#observeJob(job, false), now).length === 0;
    return [...this.jobs.values()].filter(
      (job) => !isJobFinished(job) && this.#deps.isOurs(job) && !isKept(job),
    ).length;
  }

  /** Lists Jobs and pods again, and resolves when that is complete. False: it does not watch any more. */
  async refresh(): Promise<boolean> {
    const areListed = await Promise.all([this.jobs.refresh(), this.pods.refresh()]);
    return !areListed.includes(false);
  }

  /** Call before deleting a Job: its deletion is then not reported. */
  expectDeletion(jobUid: string): void {
    // No watch event would ever clear the mark of a Job that is not here any more.
    if (this.jobs.get(jobUid) !== undefined) this.#expectedDeletions.add(jobUid);
  }

  /** Whether this agent has deleted the Job and its deletion is not complete. */
  isDeletionExpected(jobUid: string): boolean {
    return this.#expectedDeletions.has(jobUid);
  }

  /** Call when the deletion did not happen. */
  cancelExpectedDeletion(jobUid: string): void {
    this.#expectedDeletions.delete(jobUid);
  }

  /** Call when the end of this deleted Job has been reported. */
  forgetDeletedJob(flowRunId: string, jobUid: string): void {
    const ofRun = this.#deletedJobs.get(flowRunId);
    ofRun?.delete(jobUid);
    if (ofRun?.size === 0) this.#deletedJobs.delete(flowRunId);
    this.#deletedPods.delete(jobUid);
  }

  #observeJob(job: Job, gone: boolean): ObservedJob {
    const { uid } = job.metadata;
    const pods = [...(this.#podsByJob.get(uid) ?? [])].flatMap((podUid) => this.pods.get(podUid) ?? []);
    const uids = [uid, ...pods.map(({ metadata }) => metadata.uid)];
    const eventUids = uids.flatMap((objectUid) => [...(this.#eventsOf.get(objectUid) ?? [])]);
    const events = eventUids.flatMap((eventUid) => this.events.get(eventUid) ?? []);
    const deletedPods = this.#deletedPods.get(uid) ?? [];
    return { job, pods, deletedPods, events, gone, unreachable: this.nodes.since };
  }

  #jobChanged(change: Change<Job>): void {
    const { object: job } = change;
    const runId = flowRunIdOf(job.metadata);
    if (runId === undefined) return;
    const { uid } = job.metadata;
    if (change.type === "set") {
      addTo(this.#jobsByRun, runId, uid);
      this.#deps.onJob(runId);
    } else {
      removeFrom(this.#jobsByRun, runId, uid);
      if (this.#expectedDeletions.delete(uid)) this.#deletedPods.delete(uid);
      else this.#rememberDeletedJob(runId, job);
    }
    this.#deps.onChange(runId, { urgent: change.type === "gone" || isJobFinished(job) });
  }

  #podChanged(change: Change<Pod>): void {
    const { object: pod } = change;
    const jobUid = jobUidOf(pod);
    const runId = flowRunIdOf(pod.metadata);
    if (jobUid === undefined || runId === undefined) return;
    const { uid } = pod.metadata;
    if (change.type === "set") {
      addTo(this.#podsByJob, jobUid, uid);
      // Let go by a Job that was deleted before this process started.
      if (isLetGo(pod) && this.jobs.get(jobUid) === undefined)
        this.#rememberDeletedJob(runId, formerJobOf(pod, jobUid));
    } else {
      removeFrom(this.#podsByJob, jobUid, uid);
      this.#eventsOf.delete(uid);
      if (this.jobs.get(jobUid) !== undefined || this.#deletedJobs.get(runId)?.has(jobUid) === true) {
        this.#deletedPods.set(jobUid, [...(this.#deletedPods.get(jobUid) ?? []), pod].slice(-5));
      }
    }
    this.#deps.onChange(runId, { urgent: change.type === "gone" || isEnding(pod) });
  }

  #rememberDeletedJob(runId: string, job: Job): void {
    const ofRun = this.#deletedJobs.get(runId) ?? new Map<string, Job>();
    if (!ofRun.has(job.metadata.uid)) this.#deletedJobs.set(runId, ofRun.set(job.metadata.uid, job));
  }

  /** Events are relevant while a pod starts, or if a Job cannot create one. */
  #isRelevant(event: KubeEvent): boolean {
    const { kind, uid = "" } = event.involvedObject;
    const pod = this.pods.get(uid);
    if (kind !== "Pod") return kind === "Job";
    return pod === undefined ? this.#isRecent(event) : pod.status.phase === "Pending";
  }

  #isRecent(event: KubeEvent): boolean {
    const age = this.#deps.kubeTime.now().getTime() - new Date(event.metadata.creationTimestamp).getTime();
    return age < 2 * PRUNE_MS;
  }

  #eventChanged(change: Change<KubeEvent>): void {
    const { object: event } = change;
    const uid = event.involvedObject.uid ?? "";
    const index = change.type === "set" ? addTo : removeFrom;
    index(this.#eventsOf, uid, event.metadata.uid);
    const object = this.pods.get(uid) ?? this.jobs.get(uid);
    const runId = object === undefined ? undefined : flowRunIdOf(object.metadata);
    if (runId !== undefined) this.#deps.onChange(runId, { urgent: false });
  }

  async #pruneEvents(): Promise<void> {
    this.events.prune((event) => {
      const { kind, uid = "" } = event.involvedObject;
      const isOfOldJob = this.jobs.get(uid) === undefined && !this.#isRecent(event);
      const isObsolete = kind === "Job" ? isOfOldJob : !this.#isRelevant(event);
      if (isObsolete) this.#eventsOf.delete(uid);
      return isObsolete;
    });
  }
}
