// Makes the pods of Jobs, counts them, and tells how the Jobs end, as kube-controller-manager 1.35 does.

import type { JobOutcome } from "./job-plan.ts";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../../src/base/clock.ts";
import type { Condition, JobSpec, JobStatus as ReadStatus } from "../../../src/kube/client/objects.ts";
import { deleteVersion, settle } from "./deletion.ts";
import type { EventRecorder } from "./event-recorder.ts";
import { finalCondition, isOver, planJob, TRACKING } from "./job-plan.ts";
import type { JobPlan } from "./job-plan.ts";
import { podOf } from "./job-pod.ts";
import { asJob, asPod, timestamp, withoutFinalizer } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Kubelet } from "./kubelet.ts";
import { stepsOf } from "./pod-outcomes.ts";
import { outcomeOf } from "./pod-script.ts";
import type { ScriptChooser } from "./pod-script.ts";
import { resourceNamed } from "./resources.ts";
import { Soon } from "./soon.ts";
import type { Store } from "./store.ts";
import { Timers } from "./timers.ts";
import type { Change, Version } from "./version.ts";
import { missingAccount } from "./writes.ts";

/** What the controller works with. */
export interface JobControllerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly kubelet: Kubelet;
  readonly script: ScriptChooser;
  /** Milliseconds before the first replacement of a failed pod; it doubles with each failure. */
  readonly podBackoffMs: number;
}

/** With what this program does not read. */
interface JobStatus extends ReadStatus {
  readonly uncountedTerminatedPods?: {
    readonly succeeded?: readonly string[];
    readonly failed?: readonly string[];
  };
}

const MAX_POD_BACKOFF_MS = 600_000;
const REFUSED_RETRY_MS = 1_000;

/** The Job controller of the fake. */
export class JobController {
  readonly #deps: JobControllerOptions;
  readonly #jobs = resourceNamed("jobs");
  readonly #pods = resourceNamed("pods");
  readonly #accounts = resourceNamed("serviceaccounts");
  readonly #uids: Soon;
  readonly #timers: Timers;
  readonly #lastFailure = new Map<string, number>();
  readonly #unlisten: () => void;
  #isWriting = false;

  constructor(options: JobControllerOptions) {
    this.#deps = options;
    this.#uids = new Soon(options.clock, (uid) => this.#sync(uid));
    this.#timers = new Timers(options.clock, (uid) => this.#uids.add(uid));
    this.#unlisten = options.store.listen(undefined, (change) => this.#note(change));
    for (const job of options.store.all(this.#jobs)) this.#uids.add(job.object.metadata.uid);
  }

  stop(): void {
    this.#unlisten();
    this.#uids.stop();
    this.#timers.stop();
  }

  #note({ version, kind }: Change): void {
    if (this.#isWriting) return;
    const { metadata } = version.object;
    if (version.type === this.#jobs) {
      this.#uids.add(metadata.uid);
      if (kind === "DELETED") this.#lastFailure.delete(metadata.uid);
    }
    if (version.type !== this.#pods) return;
    const owner = metadata.ownerReferences?.find((one) => one.controller === true && one.kind === "Job");
    if (owner !== undefined) this.#uids.add(owner.uid);
  }

  #sync(uid: string): void {
    this.#isWriting = true;
    try {
      const job = this.#deps.store.byUid(uid);
      if (
        job === undefined ||
        job.object.metadata.deletionTimestamp !== undefined ||
        isOver(asJob(job.object))
      ) {
        for (const pod of this.#podsOf(uid)) this.#release(pod);
        if (job !== undefined) this.#expire(job);
        return;
      }
      this.#reconcile(job);
    } finally {
      this.#isWriting = false;
    }
  }

  #reconcile(job: Version): void {
    const { uid } = job.object.metadata;
    let plan = this.#plan(job);
    if (plan.uncounted.failed.length > 0) this.#lastFailure.set(uid, this.#deps.clock.now().getTime());
    if (plan.surplus.length > 0 || plan.missing > 0) {
      for (const pod of plan.surplus) this.#end(job, pod.metadata.uid);
      if (plan.missing > 0) this.#createPods(job, plan);
      plan = this.#plan(job, plan.decision);
    }
    this.#settle(job, plan);
    if (plan.deadlineMs !== undefined && plan.deadlineMs > 0) this.#timers.in(plan.deadlineMs, uid);
  }

  #plan(job: Version, decided?: JobOutcome): JobPlan {
    const pods = this.#podsOf(job.object.metadata.uid).map((pod) => asPod(pod.object));
    return planJob({ job: asJob(job.object), pods, now: this.#deps.clock.now(), decided });
  }

  /** Writes the Job's status: first what is decided and not yet counted, then the numbers, and the end. */
  #settle(job: Version, plan: JobPlan): void {
    const status = asJob(job.object).status;
    const decided = this.#statusOf(job, plan, status.conditions ?? []);
    const { succeeded, failed } = plan.uncounted;
    let current = job;
    if (succeeded.length + failed.length > 0 || !isDeepStrictEqual(decided.conditions, status.conditions)) {
      const uids = {
        ...(succeeded.length === 0 ? {} : { succeeded: succeeded.map((pod) => pod.metadata.uid) }),
        ...(failed.length === 0 ? {} : { failed: failed.map((pod) => pod.metadata.uid) }),
      };
      const numbers = counts(status.succeeded ?? 0, status.failed ?? 0);
      const { succeeded: _succeeded, failed: _failed, ...rest } = decided;
      current = this.#write(current, { ...rest, ...numbers, uncountedTerminatedPods: uids });
      for (const pod of [...succeeded, ...failed]) this.#release(this.#deps.store.byUid(pod.metadata.uid));
    }
    const rest = this.#plan(current);
    const numbers = counts(plan.succeeded, plan.failed);
    const final = { ...decided, ...numbers, terminating: rest.terminating };
    const isDone = plan.decision !== undefined && rest.active === 0 && rest.terminating === 0;
    if (!isDone || plan.decision === undefined) this.#write(current, final);
    else this.#conclude(current, final, plan.decision);
  }

  #statusOf(job: Version, plan: JobPlan, conditions: readonly Condition[]): JobStatus {
    const at = timestamp(this.#deps.clock.now());
    const { startTime } = asJob(job.object).status;
    const isSuspended = asJob(job.object).spec.suspend === true;
    const all = [...suspension(conditions, isSuspended, at), ...decision(conditions, plan.decision, at)];
    return {
      ...(all.length === 0 ? {} : { conditions: all }),
      ...(isSuspended ? {} : { startTime: startTime ?? at }),
      ...(plan.active === 0 ? {} : { active: plan.active }),
      ...counts(plan.succeeded, plan.failed),
      terminating: plan.terminating,
      uncountedTerminatedPods: {},
      ready: plan.ready,
    };
  }

  #conclude(job: Version, status: JobStatus, decision: JobOutcome): void {
    const at = timestamp(this.#deps.clock.now());
    const conditions = [...(status.conditions ?? []), finalCondition(decision, "done", at)];
    const times = decision.succeeded ? { completionTime: at } : {};
    const over = this.#write(job, { ...status, conditions, ...times });
    const told = decision.succeeded
      ? { reason: "Completed", message: "Job completed" }
      : { type: "Warning" as const, reason: decision.reason, message: decision.message };
    this.#deps.events.record(over, { ...told, component: "job-controller" });
    this.#expire(over);
  }

  #write(job: Version, status: JobStatus): Version {
    if (isDeepStrictEqual(status, job.object.status)) return job;
    return this.#deps.store.replace(job, { ...job.object, status: { ...status } });
  }

  #createPods(job: Version, plan: JobPlan): void {
    const { uid } = job.object.metadata;
    const waitMs = this.#backoffLeft(uid, plan.failed);
    if (waitMs > 0) return this.#timers.in(waitMs, uid);
    for (let made = 0; made < plan.missing; made++) {
      if (!this.#createPod(job)) return this.#timers.in(REFUSED_RETRY_MS, uid);
    }
  }

  /** Whether the pod could be made; if not, an event of the Job tells why. */
  #createPod(job: Version): boolean {
    const { store, events, kubelet, script } = this.#deps;
    const pod = podOf(job.object, this.#deps.clock);
    const chosen = script(asJob(job.object), asPod(pod));
    const outcome = outcomeOf(chosen);
    const refusal =
      outcome?.outcome === "refuse" ? (outcome.message ?? "exceeded quota") : this.#missingAccount(pod);
    if (refusal !== undefined) {
      const message = `Error creating: pods "${job.object.metadata.name}-" is forbidden: ${refusal}`;
      events.record(job, { type: "Warning", reason: "FailedCreate", message, component: "job-controller" });
      return false;
    }
    const stored = store.add(this.#pods, pod);
    const message = `Created pod: ${stored.object.metadata.name}`;
    events.record(job, { reason: "SuccessfulCreate", message, component: "job-controller" });
    const steps = typeof chosen === "string" || "outcome" in chosen ? undefined : chosen;
    kubelet.run(
      stored,
      asJob(job.object),
      steps ?? stepsOf(outcome ?? { outcome: "succeed" }, asPod(stored.object)),
    );
    return true;
  }

  #missingAccount(pod: KubeObject): string | undefined {
    const { namespace = "default" } = pod.metadata;
    const account = asPod(pod).spec.serviceAccountName ?? "default";
    const found = this.#deps.store.find(this.#accounts, namespace, account);
    return found === undefined ? missingAccount(namespace, account) : undefined;
  }

  #backoffLeft(uid: string, failed: number): number {
    const last = this.#lastFailure.get(uid);
    if (last === undefined || failed === 0) return 0;
    const pause = Math.min(MAX_POD_BACKOFF_MS, this.#deps.podBackoffMs * 2 ** Math.min(failed - 1, 30));
    return last + pause - this.#deps.clock.now().getTime();
  }

  /** Ends a pod that the Job no longer wants. A suspended Job does not count it as failed. */
  #end(job: Version, uid: string): void {
    const { store, events, clock } = this.#deps;
    if (asJob(job.object).spec.suspend === true) this.#release(store.byUid(uid));
    const pod = store.byUid(uid);
    if (pod === undefined) return;
    deleteVersion(store, pod, { propagation: "Background", now: clock.now() });
    const message = `Deleted pod: ${pod.object.metadata.name}`;
    events.record(job, { reason: "SuccessfulDelete", message, component: "job-controller" });
  }

  /** Lets a counted pod go. */
  #release(pod: Version | undefined): void {
    if (pod?.object.metadata.finalizers?.includes(TRACKING) !== true) return;
    settle(this.#deps.store, pod, withoutFinalizer(pod.object, TRACKING));
  }

  /** Deletes a finished Job after its ttlSecondsAfterFinished. */
  #expire(job: Version): void {
    const { status, metadata, ...rest } = asJob(job.object);
    const spec: JobSpec & { readonly ttlSecondsAfterFinished?: number } = rest.spec;
    if (spec.ttlSecondsAfterFinished === undefined || metadata.deletionTimestamp !== undefined) return;
    const last = status.conditions?.at(-1)?.lastTransitionTime ?? metadata.creationTimestamp;
    const now = this.#deps.clock.now();
    const leftMs = new Date(last).getTime() + spec.ttlSecondsAfterFinished * 1_000 - now.getTime();
    if (leftMs > 0) this.#timers.in(leftMs, metadata.uid);
    else deleteVersion(this.#deps.store, job, { propagation: "Background", now });
  }

  #podsOf(uid: string): readonly Version[] {
    return this.#deps.store.dependents(uid).filter((version) => version.type === this.#pods);
  }
}

function counts(succeeded: number, failed: number): Pick<JobStatus, "succeeded" | "failed"> {
  return { ...(succeeded === 0 ? {} : { succeeded }), ...(failed === 0 ? {} : { failed }) };
}

function decision(
  known: readonly Condition[],
  decision: JobOutcome | undefined,
  at: string,
): readonly Condition[] {
  if (decision === undefined) return [];
  const fresh = finalCondition(decision, "decided", at);
  return [known.find((condition) => condition.type === fresh.type) ?? fresh];
}

function suspension(known: readonly Condition[], isSuspended: boolean, at: string): readonly Condition[] {
  const before = known.find((condition) => condition.type === "Suspended");
  const status = isSuspended ? "True" : "False";
  if (before === undefined && !isSuspended) return [];
  if (before?.status === status) return [before];
  const [reason, message] = isSuspended ? ["JobSuspended", "Job suspended"] : ["JobResumed", "Job resumed"];
  const times = { lastProbeTime: at, lastTransitionTime: at };
  return [{ type: "Suspended", status, ...times, reason, message }];
}
