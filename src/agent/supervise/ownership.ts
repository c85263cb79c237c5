// Which agent process reports a Job: the one whose identity is on it. Another takes over when that one is dead or silent.

import { hash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { OWNER_ANNOTATION } from "../../job/labels.ts";
import type { KubeApi } from "../../kube/client/api.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { Job } from "../../kube/client/objects.ts";

export interface OwnershipDeps {
  readonly kube: Pick<KubeApi, "patch">;
  readonly clock: Clock;
  readonly isDead: (identity: string) => boolean;
}

/** How long another agent may stay silent about something that is due. */
const SILENCE_MS = 10_000;
/** Of a Job that is gone nobody can write down who reports it: agents take turns, spread over this time by their identities. */
const TURNS_MS = 3_000;
/** When to look again after another process changed the Job in the same moment. */
const CHANGED_MS = 500;

export class Ownership {
  readonly #deps: OwnershipDeps;
  readonly #identity: string;
  readonly #startedAt: Date;
  readonly #turnMs: number;
  readonly #waitingSince = new Map<string, Date>();
  /** Uids of Jobs and ids of runs that we report. */
  readonly #owned = new Set<string>();
  /** Uids of Jobs that were another's when they were first seen, whatever their annotation says since. */
  readonly #others = new Set<string>();

  constructor(identity: string, deps: OwnershipDeps) {
    this.#identity = identity;
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
    this.#turnMs = Number.parseInt(hash("sha256", identity, "hex").slice(0, 8), 16) % TURNS_MS;
  }

  /** Whether this very process made the Job: nobody can have reported it before. */
  isOwn(job: Job): boolean {
    if (this.#others.has(job.metadata.uid)) return false;
    const startedMs = Math.floor(this.#startedAt.getTime() / 1_000) * 1_000;
    return ownerOf(job) === this.#identity && new Date(job.metadata.creationTimestamp).getTime() > startedMs;
  }

  /**
   * Whether we may report the Job now: undefined when yes, else how many milliseconds to wait for its owner. Taking over
   * writes our identity on the Job, with its resourceVersion, so that of two processes only one does.
   */
  async mayReport(job: Job, gone: boolean): Promise<number | undefined> {
    const { uid, name, namespace, resourceVersion } = job.metadata;
    const owner = ownerOf(job);
    if (owner === this.#identity || this.#owned.has(uid)) return undefined;
    this.#others.add(uid);
    const isAwaited = owner !== undefined && !this.#deps.isDead(owner);
    const leftMs = this.#leftOf(uid, (isAwaited ? SILENCE_MS : 0) + (gone ? this.#turnMs : 0));
    if (leftMs > 0) return leftMs;
    this.#waitingSince.delete(uid);
    if (gone) return undefined;
    const annotations = { [OWNER_ANNOTATION]: this.#identity };
    const outcome = await this.#patch({ namespace, name }, { metadata: { resourceVersion, annotations } });
    if (outcome === "changed") return CHANGED_MS;
    this.#owned.add(uid);
    return undefined;
  }

  /** We report all Jobs of this run that exist: when none is left, the run's end is ours to report. */
  own(flowRunId: string): void {
    this.#owned.add(flowRunId);
  }

  /** Whether we may report the end of a run without Jobs: undefined when yes, else how long to wait for whoever reported it. */
  mayReportEnd(flowRunId: string): number | undefined {
    if (this.#owned.has(flowRunId)) return undefined;
    const leftMs = this.#leftOf(flowRunId, SILENCE_MS + this.#turnMs);
    return leftMs > 0 ? leftMs : undefined;
  }

  /** By a Job's uid, or a run's id. */
  forget(id: string): void {
    this.#waitingSince.delete(id);
    this.#owned.delete(id);
    this.#others.delete(id);
  }

  /** Forgets all but these Jobs and runs: a Job that we deleted is gone without another decision about it. */
  keepOnly(ids: ReadonlySet<string>): void {
    const known = [...this.#waitingSince.keys(), ...this.#owned, ...this.#others];
    for (const id of known) if (!ids.has(id)) this.forget(id);
  }

  /** What is left of a wait that began when this was first asked about a Job's uid, or a run's id. */
  #leftOf(id: string, ms: number): number {
    const now = this.#deps.clock.now();
    const since = this.#waitingSince.get(id) ?? now;
    this.#waitingSince.set(id, since);
    return since.getTime() + ms - now.getTime();
  }

  /** Without the right to patch Jobs we report all the same: better twice than never. */
  async #patch(ref: { namespace: string; name: string }, patch: Record<string, unknown>): Promise<string> {
    try {
      return await this.#deps.kube.patch("jobs", ref, patch);
    } catch (error) {
      if (error instanceof KubeError && error.status === 403) return "forbidden";
      throw error;
    }
  }
}

function ownerOf(job: Job): string | undefined {
  return job.metadata.annotations?.[OWNER_ANNOTATION];
}
