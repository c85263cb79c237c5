// Scheduler and kubelet in one: leads pods through their scripts, and ends those that are being deleted.

import { setMaxListeners } from "node:events";
import type { Clock } from "../../../src/base/clock.ts";
import { objectIn, textIn } from "../../../src/base/json.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import { endGrace } from "./deletion.ts";
import type { EventRecorder } from "./event-recorder.ts";
import { asPod, timestamp } from "./kube-object.ts";
import { mergePatch } from "./patches.ts";
import type { PodLogs } from "./pod-logs.ts";
import type { OnPhase, PodStep } from "./pod-script.ts";
import { containerNames, killed, mainContainer } from "./pod-status.ts";
import { resourceNamed } from "./resources.ts";
import type { Store } from "./store.ts";
import type { Change, Version } from "./version.ts";

/** What the kubelet works with. */
export interface KubeletOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logs: PodLogs;
  readonly events: EventRecorder;
  /** Milliseconds that a container takes to end when it is told to; never longer than the pod's own grace. */
  readonly killMs: number;
  /** With which code a container then ends; a flow may handle SIGTERM and exit with 0. */
  readonly killedExit: () => number;
  readonly onPhase: OnPhase | undefined;
}

interface Life {
  readonly job: Job;
  readonly end: AbortController;
  /** Its script has ended it. */
  hasEnded: boolean;
}

function isEnd(phase: unknown): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

/** Runs the pods of the fake. */
export class Kubelet {
  readonly #deps: KubeletOptions;
  readonly #pods = resourceNamed("pods");
  readonly #lives = new Map<string, Life>();
  readonly #dying = new Set<string>();
  readonly #stop = new AbortController();
  /** Each ends when its node answers again. */
  readonly #holds = new Set<Promise<void>>();
  readonly #unlisten: () => void;

  constructor(options: KubeletOptions) {
    this.#deps = options;
    setMaxListeners(0, this.#stop.signal);
    this.#unlisten = options.store.listen(this.#pods, (change) => this.#note(change));
  }

  stop(): void {
    this.#unlisten();
    this.#stop.abort();
    for (const { end } of this.#lives.values()) end.abort();
  }

  /** Nothing happens to the pods until the answer is called: their node is down. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#holds.add(promise);
    return () => {
      this.#holds.delete(promise);
      resolve();
    };
  }

  async #untilUp(): Promise<void> {
    for (const hold of this.#holds) await hold;
  }

  /** Leads a pod through its steps; returns at once. */
  run(pod: Version, job: Job, steps: readonly PodStep[]): void {
    const { uid } = pod.object.metadata;
    const life = { job, end: new AbortController(), hasEnded: false };
    this.#lives.set(uid, life);
    void this.#live(uid, life, steps);
  }

  async #live(uid: string, life: Life, steps: readonly PodStep[]): Promise<void> {
    const pod = this.#deps.store.byUid(uid);
    if (pod !== undefined) await this.#tellPhase(pod, life.job, "Pending");
    for (const step of steps) {
      if (step.afterMs !== undefined && step.afterMs > 0)
        await this.#deps.clock.sleep(step.afterMs, life.end.signal);
      if (this.#holds.size > 0) await this.#untilUp();
      const phase = this.#deps.store.byUid(uid)?.object.status?.["phase"];
      // What others have ended, as a node that was restarted, does not live on.
      if (life.end.signal.aborted || (isEnd(phase) && !life.hasEnded)) return;
      await this.#take(uid, life, step);
    }
  }

  async #take(uid: string, life: Life, step: PodStep): Promise<void> {
    const before = this.#deps.store.byUid(uid);
    if (before === undefined) return;
    const given =
      typeof step.status === "function" ? step.status(asPod(before.object), this.#now()) : step.status;
    const phase = textIn(given?.["phase"]);
    life.hasEnded ||= isEnd(phase);
    if (step.log !== undefined) {
      const container = step.container ?? mainContainer(asPod(before.object));
      this.#deps.logs.append(uid, container, step.log);
    }
    if (phase !== undefined && phase !== before.object.status?.["phase"]) {
      await this.#tellPhase(before, life.job, phase);
    }
    // Whoever was told may have taken the pod away meanwhile.
    const current = this.#deps.store.byUid(uid);
    if (current === undefined || life.end.signal.aborted) return;
    for (const event of step.events ?? []) {
      this.#deps.events.record(current, { ...event, component: event.component ?? "kubelet" });
    }
    const spec =
      step.nodeName === undefined ? current.object.spec : { ...current.object.spec, nodeName: step.nodeName };
    const status = objectIn(mergePatch(current.object.status, given ?? {}));
    if (given !== undefined || step.nodeName !== undefined) {
      this.#deps.store.replace(current, {
        ...current.object,
        ...(spec === undefined ? {} : { spec }),
        status,
      });
    }
    if (isEnd(phase)) this.#closeLogs(current);
  }

  async #tellPhase(pod: Version, job: Job, phase: string): Promise<void> {
    try {
      await this.#deps.onPhase?.(job, asPod(pod.object), phase);
    } catch {
      // The pod's life is not the listener's.
    }
  }

  #note(change: Change): void {
    const { object } = change.version;
    const { uid, deletionTimestamp } = object.metadata;
    if (change.kind === "DELETED") {
      this.#lives.get(uid)?.end.abort();
      this.#lives.delete(uid);
      this.#dying.delete(uid);
      this.#deps.logs.forget(uid, containerNames(asPod(object)));
      return;
    }
    const isRunHere = asPod(object).spec.nodeName !== undefined;
    if (deletionTimestamp === undefined || !isRunHere || this.#dying.has(uid)) return;
    if ((object.metadata.deletionGracePeriodSeconds ?? 0) === 0) return;
    this.#dying.add(uid);
    // Not now: the others are still being told of this change.
    this.#deps.clock.soon(() => void this.#kill(uid));
  }

  async #kill(uid: string): Promise<void> {
    if (this.#holds.size > 0) await this.#untilUp();
    const { store, clock, events } = this.#deps;
    const pod = store.byUid(uid);
    if (pod === undefined || this.#stop.signal.aborted) return;
    const life = this.#lives.get(uid);
    life?.end.abort();
    for (const status of asPod(pod.object).status.containerStatuses ?? []) {
      if (status.state?.running === undefined) continue;
      const told = {
        reason: "Killing",
        message: `Stopping container ${status.name}`,
        container: status.name,
      };
      events.record(pod, { ...told, component: "kubelet" });
    }
    const graceMs = (pod.object.metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
    await clock.sleep(Math.min(this.#deps.killMs, graceMs), this.#stop.signal);
    if (!this.#stop.signal.aborted) await this.#bury(uid, life);
  }

  async #bury(uid: string, life: Life | undefined): Promise<void> {
    const { store, clock } = this.#deps;
    const before = store.byUid(uid);
    if (before === undefined) return;
    const end = killed(asPod(before.object), this.#now(), this.#deps.killedExit());
    if (life !== undefined && end["phase"] !== undefined) await this.#tellPhase(before, life.job, "Failed");
    const current = store.byUid(uid);
    if (current === undefined) return;
    const status = objectIn(mergePatch(current.object.status, end));
    const last = end["phase"] === undefined ? current : store.replace(current, { ...current.object, status });
    this.#closeLogs(last);
    endGrace(store, last, clock.now());
  }

  #closeLogs(pod: Version): void {
    this.#deps.logs.close(pod.object.metadata.uid, containerNames(asPod(pod.object)));
  }

  #now(): string {
    return timestamp(this.#deps.clock.now());
  }
}
