// The agent's view of the cluster: Jobs, pods and events of flow runs, watched and kept by flow run.
// Launch asks it for live Jobs, supervise for observedRuns; neither keeps a copy.

import { aborted } from "../base/clock.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { Job, KubeEvent, Pod } from "../kube/client/objects.ts";
import type { Change } from "../kube/cache/reflector.ts";
import { Reflector } from "../kube/cache/reflector.ts";
import { transformEvent, transformJob, transformPod } from "../kube/cache/transform.ts";
import type { ObservedRun, ObservedJob } from "../job/observe/observed.ts";
import { AGENT_SELECTOR, flowRunIdOf } from "../job/labels.ts";
import { isLive, isOver, jobPhase } from "../job/observe/phase.ts";
import { runAll } from "../base/run-all.ts";

export interface ViewOptions {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
  readonly namespace: string;
  /** Told of every flow run of which something changed; `urgent`: something ended, which does not wait for more changes. */
  readonly onChange: (flowRunId: string, how: { readonly urgent: boolean }) => void;
  readonly onOutage: (what: string, error: unknown, failures: number) => void;
  readonly onRecovery: (what: string) => void;
  /** Told whenever the cluster was heard of Jobs, or of pods. */
  readonly onProgress: (what: "jobs" | "pods") => void;
}

/** A Job that made its pod or is done shows that itself; the server need not send their events. */
const UNTOLD_EVENTS = "reason!=SuccessfulCreate,reason!=Completed";
const RELIST_MS = 600_000;
const PRUNE_MS = 60_000;

/** Three reflectors and their indexes. */
export class ClusterView {
  readonly #options: ViewOptions;
  readonly jobs: Reflector<"jobs", Job>;
  readonly pods: Reflector<"pods", Pod>;
  readonly events: Reflector<"events", KubeEvent>;
  readonly #jobsByRun = new Map<string, Set<string>>();
  readonly #podsByJob = new Map<string, Set<string>>();
  readonly #eventsByUid = new Map<string, Map<string, KubeEvent>>();
  /** Pods that went while their Job stood, as last seen; until the Job's story is over. */
  readonly #departed = new Map<string, Pod[]>();
  /** Jobs that went though we did not remove them; until told. */
  readonly #gone = new Map<string, Map<string, ObservedJob>>();
  readonly #removedByUs = new Set<string>();

  constructor(options: ViewOptions) {
    this.#options = options;
    const { kube, clock, namespace } = options;
    const shared = { kube, clock, relistMs: RELIST_MS };
    const telling = (what: string) => ({
      onOutage: (error: unknown, failures: number) => options.onOutage(what, error, failures),
      onRecovery: () => options.onRecovery(what),
    });
    const query = { namespace, labelSelector: AGENT_SELECTOR };
    this.jobs = new Reflector({
      ...shared,
      ...telling("jobs"),
      onHeard: () => options.onProgress("jobs"),
      resource: "jobs",
      query,
      keep: transformJob,
      onChange: (change) => this.#jobChanged(change),
    });
    this.pods = new Reflector({
      ...shared,
      ...telling("pods"),
      onHeard: () => options.onProgress("pods"),
      resource: "pods",
      query,
      keep: transformPod,
      onChange: (change) => this.#podChanged(change),
    });
    this.events = new Reflector({
      ...shared,
      onOutage: (error: unknown, failures: number) => {
        if (isForbidden(error)) throw error;
        options.onOutage("events", error, failures);
      },
      onRecovery: () => options.onRecovery("events"),
      resource: "events",
      query: { namespace, fieldSelector: UNTOLD_EVENTS },
      keep: (event) => (this.#wanted(event) ? transformEvent(event) : undefined),
      onChange: (change) => this.#eventChanged(change),
    });
  }

  /** Resolves when Jobs and pods were listed completely. */
  async synced(): Promise<void> {
    await Promise.all([this.jobs.synced, this.pods.synced]);
  }

  /** Watches until the signal aborts. Events come after Jobs and pods: those tell which concern us. */
  async run(signal: AbortSignal): Promise<void> {
    await runAll(
      signal,
      (s) => this.jobs.run(s),
      (s) => this.pods.run(s),
      async (s) => {
        await Promise.race([this.synced(), aborted(s)]);
        if (!s.aborted) await this.#watchEvents(s);
      },
      (s) => this.#pruneNowAndThen(s),
    );
  }

  /** Without the right to read events all else goes on; the right may come later. */
  async #watchEvents(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.events.run(signal);
      } catch (error) {
        if (!isForbidden(error)) throw error;
        this.#options.log.warn("No right to read events: flow runs' logs go without them, refused pods too", {
          error: error.detail,
        });
        await this.#options.clock.sleep(RELIST_MS, signal);
      }
    }
  }

  /** The ids of all runs with Jobs, standing or lately gone. */
  flowRunIds(): string[] {
    return [...new Set([...this.#jobsByRun.keys(), ...this.#gone.keys()])];
  }

  /** The uids of all Jobs, standing or lately gone. */
  jobUids(): string[] {
    return [...this.#jobsByRun.values(), ...this.#gone.values()].flatMap((uids) => [...uids.keys()]);
  }

  observe(flowRunId: string): ObservedRun {
    const standing = [...(this.#jobsByRun.get(flowRunId) ?? [])].flatMap((uid) => {
      const job = this.jobs.get(uid);
      return job === undefined ? [] : [this.#print(job)];
    });
    return { flowRunId, jobs: [...standing, ...(this.#gone.get(flowRunId)?.values() ?? [])] };
  }

  /** The run's Job that is in good order, if there is one. */
  liveJobOf(flowRunId: string): Job | undefined {
    return this.observe(flowRunId).jobs.find((print) => !print.gone && isLive(jobPhase(print)))?.job;
  }

  /** Whether the run has, or had a moment ago, a Job of this name. */
  showsJob(flowRunId: string, name: string): boolean {
    return this.observe(flowRunId).jobs.some(({ job }) => job.metadata.name === name);
  }

  /** Jobs that are not over. */
  liveJobs(): number {
    let count = 0;
    for (const job of this.jobs.values()) if (!isOver(job)) count++;
    return count;
  }

  /** We are about to remove it: its going will be no news. */
  expectGone(jobUid: string): void {
    // Of what is not here any more no watch will tell, and nobody would ever forget it.
    if (this.jobs.get(jobUid) !== undefined) this.#removedByUs.add(jobUid);
  }

  /** Whether we removed it, and it only has not gone yet. */
  isExpectedGone(jobUid: string): boolean {
    return this.#removedByUs.has(jobUid);
  }

  /** The deletion did not happen after all. */
  unexpectGone(jobUid: string): void {
    this.#removedByUs.delete(jobUid);
  }

  /** The story of this gone Job is told. */
  forgetGone(flowRunId: string, jobUid: string): void {
    const gone = this.#gone.get(flowRunId);
    gone?.delete(jobUid);
    if (gone?.size === 0) this.#gone.delete(flowRunId);
  }

  #print(job: Job): ObservedJob {
    const { uid } = job.metadata;
    const pods = [...(this.#podsByJob.get(uid) ?? [])].flatMap((podUid) => this.pods.get(podUid) ?? []);
    const uids = [uid, ...pods.map(({ metadata }) => metadata.uid)];
    const events = uids.flatMap((each) => [...(this.#eventsByUid.get(each)?.values() ?? [])]);
    return { job, pods, deletedPods: this.#departed.get(uid) ?? [], events, gone: false };
  }

  #jobChanged(change: Change<Job>): void {
    const { object: job } = change;
    const runId = flowRunIdOf(job.metadata);
    if (runId === undefined) return;
    const { uid } = job.metadata;
    if (change.type === "set") {
      addTo(this.#jobsByRun, runId, uid);
    } else {
      const print = { ...this.#print(job), gone: true };
      removeFrom(this.#jobsByRun, runId, uid);
      this.#departed.delete(uid);
      if (!this.#removedByUs.delete(uid)) {
        const gone = this.#gone.get(runId) ?? new Map<string, ObservedJob>();
        this.#gone.set(runId, gone.set(uid, print));
      }
    }
    this.#options.onChange(runId, { urgent: change.type === "gone" || isOver(job) });
  }

  #podChanged(change: Change<Pod>): void {
    const { object: pod } = change;
    const jobUid = ownerOf(pod);
    const runId = flowRunIdOf(pod.metadata);
    if (jobUid === undefined || runId === undefined) return;
    const { uid } = pod.metadata;
    if (change.type === "set") {
      addTo(this.#podsByJob, jobUid, uid);
    } else {
      removeFrom(this.#podsByJob, jobUid, uid);
      this.#eventsByUid.delete(uid);
      if (this.jobs.get(jobUid) !== undefined) {
        this.#departed.set(jobUid, [...(this.#departed.get(jobUid) ?? []), pod].slice(-5));
      }
    }
    this.#options.onChange(runId, { urgent: change.type === "gone" || isEnding(pod) });
  }

  /** Events matter while a pod starts, and where a Job cannot make one. */
  #wanted(event: KubeEvent): boolean {
    const { kind, uid = "" } = event.involvedObject;
    if (kind === "Job") return true;
    if (kind !== "Pod") return false;
    const pod = this.pods.get(uid);
    if (pod !== undefined) return pod.status.phase === "Pending";
    return this.#isRecent(event);
  }

  #isRecent(event: KubeEvent): boolean {
    const age = this.#options.clock.now().getTime() - new Date(event.metadata.creationTimestamp).getTime();
    return age < 2 * PRUNE_MS;
  }

  #eventChanged(change: Change<KubeEvent>): void {
    const { object: event } = change;
    const uid = event.involvedObject.uid ?? "";
    const known = this.#eventsByUid.get(uid) ?? new Map<string, KubeEvent>();
    if (change.type === "set") known.set(event.metadata.uid, event);
    else known.delete(event.metadata.uid);
    if (known.size === 0) this.#eventsByUid.delete(uid);
    else this.#eventsByUid.set(uid, known);
    const object = this.pods.get(uid) ?? this.jobs.get(uid);
    const runId = object === undefined ? undefined : flowRunIdOf(object.metadata);
    if (runId !== undefined) this.#options.onChange(runId, { urgent: false });
  }

  async #pruneNowAndThen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(PRUNE_MS, signal);
      this.events.prune((event) => {
        const uid = event.involvedObject.uid ?? "";
        const unwanted =
          event.involvedObject.kind === "Job"
            ? this.jobs.get(uid) === undefined && !this.#isRecent(event)
            : !this.#wanted(event);
        if (unwanted) this.#eventsByUid.delete(uid);
        return unwanted;
      });
    }
  }
}

function isForbidden(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 403;
}

function isEnding({ metadata, status }: Pod): boolean {
  return (
    status.phase === "Failed" || status.phase === "Succeeded" || metadata.deletionTimestamp !== undefined
  );
}

function ownerOf(pod: Pod): string | undefined {
  return pod.metadata.ownerReferences?.find(({ kind }) => kind === "Job")?.uid;
}

function addTo(index: Map<string, Set<string>>, key: string, value: string): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([value]));
  else set.add(value);
}

function removeFrom(index: Map<string, Set<string>>, key: string, value: string): void {
  const set = index.get(key);
  set?.delete(value);
  if (set?.size === 0) index.delete(key);
}
