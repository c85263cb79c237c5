// supervise: one agent tells a Job's story. Its name stands on the Job; another takes over when that one is dead or silent.

import { hash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { KubeApi } from "../../kube/client/api.ts";
import type { Job } from "../../kube/client/objects.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { OWNER_ANNOTATION } from "../../job/labels.ts";

export interface TellerDeps {
  readonly kube: Pick<KubeApi, "patch">;
  readonly clock: Clock;
  readonly isDead: (owner: string) => boolean;
}

/** How long another agent may stay silent about something that should be told. */
const SILENCE_MS = 10_000;
/** Of a Job that is gone nobody can write that he speaks for it: agents take turns, spread over this time by their names. */
const TURNS_MS = 3_000;

/** Who speaks for which Job. */
export class Ownership {
  readonly #deps: TellerDeps;
  readonly #me: string;
  readonly #bornAt: Date;
  readonly #turnMs: number;
  readonly #waitingSince = new Map<string, Date>();
  /** Uids of Jobs and ids of runs for which we speak. */
  readonly #taken = new Set<string>();
  /** Uids of Jobs that bore another one's name when they were seen, whatever they bear since. */
  readonly #others = new Set<string>();

  constructor(me: string, deps: TellerDeps) {
    this.#me = me;
    this.#deps = deps;
    this.#bornAt = deps.clock.now();
    this.#turnMs = Number.parseInt(hash("sha256", me, "hex").slice(0, 8), 16) % TURNS_MS;
  }

  /** Made by this very process: nobody can have spoken of it before. */
  isOwn(job: Job): boolean {
    if (this.#others.has(job.metadata.uid)) return false;
    const bornMs = Math.floor(this.#bornAt.getTime() / 1_000) * 1_000;
    return this.#names(job) === this.#me && new Date(job.metadata.creationTimestamp).getTime() > bornMs;
  }

  /**
   * Whether we may speak now: undefined when yes, else how many milliseconds to wait for the other.
   * Taking over writes our name on the Job, with its resourceVersion, so that of two only one does.
   */
  async mayReport(job: Job, gone: boolean): Promise<number | undefined> {
    const { uid, name, namespace, resourceVersion } = job.metadata;
    const other = this.#names(job);
    if (other === this.#me || this.#taken.has(uid)) return undefined;
    this.#others.add(uid);
    const isWaitedFor = other !== undefined && !this.#deps.isDead(other);
    const leftMs = this.#leftOf(uid, (isWaitedFor ? SILENCE_MS : 0) + (gone ? this.#turnMs : 0));
    if (leftMs > 0) return leftMs;
    this.#waitingSince.delete(uid);
    if (gone) return undefined;
    const annotations = { [OWNER_ANNOTATION]: this.#me };
    const outcome = await this.#write({ namespace, name }, { metadata: { resourceVersion, annotations } });
    if (outcome === "changed") return 500;
    this.#taken.add(uid);
    return undefined;
  }

  /** We speak for all Jobs of this run that there are: when none is left, the run's end is ours to tell. */
  owns(flowRunId: string): void {
    this.#taken.add(flowRunId);
  }

  /** Whether we may tell the end of a run without Jobs: undefined when yes, else how long to wait for who spoke before. */
  mayReportEnd(flowRunId: string): number | undefined {
    if (this.#taken.has(flowRunId)) return undefined;
    const leftMs = this.#leftOf(flowRunId, SILENCE_MS + this.#turnMs);
    return leftMs > 0 ? leftMs : undefined;
  }

  /** By a Job's uid, or a run's id. */
  forget(uid: string): void {
    this.#waitingSince.delete(uid);
    this.#taken.delete(uid);
    this.#others.delete(uid);
  }

  /** Forgets all but these Jobs and runs: a Job that we removed is gone without another look at it. */
  keepOnly(uids: ReadonlySet<string>): void {
    const known = [...this.#waitingSince.keys(), ...this.#taken, ...this.#others];
    for (const uid of known) if (!uids.has(uid)) this.forget(uid);
  }

  #names(job: Job): string | undefined {
    return job.metadata.annotations?.[OWNER_ANNOTATION];
  }

  /** What is left of a wait that began when this was first asked of a Job's uid, or a run's id. */
  #leftOf(uid: string, ms: number): number {
    const now = this.#deps.clock.now();
    const since = this.#waitingSince.get(uid) ?? now;
    this.#waitingSince.set(uid, since);
    return since.getTime() + ms - now.getTime();
  }

  /** Without the right to patch Jobs we speak all the same: better twice than never. */
  async #write(ref: { namespace: string; name: string }, patch: Record<string, unknown>): Promise<string> {
    try {
      return await this.#deps.kube.patch("jobs", ref, patch);
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) return "forbidden";
      throw error;
    }
  }
}
