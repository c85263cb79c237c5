// Which agent process reports a Job: the one in its owner annotation. Another takes over if that one has ended or does not
// report in time.

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

/** How long the owner may take to report what is due. */
const OWNER_TIMEOUT_MS = 10_000;
/** A deleted Job has no annotation to claim: agents report it after different delays up to this, by their identities. */
const MAX_DELAY_MS = 3_000;
/** When to retry after another process changed the Job at the same time. */
const CONFLICT_RETRY_MS = 500;

export class Ownership {
  readonly #deps: OwnershipDeps;
  readonly #identity: string;
  readonly #startedAt: Date;
  readonly #delayMs: number;
  readonly #waitingSince = new Map<string, Date>();
  /** Uids of Jobs and ids of runs that this process reports. */
  readonly #owned = new Set<string>();
  /** Uids of Jobs that another process owned at first, whatever their annotation says now. */
  readonly #others = new Set<string>();

  constructor(identity: string, deps: OwnershipDeps) {
    this.#identity = identity;
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
    this.#delayMs = Number.parseInt(hash("sha256", identity, "hex").slice(0, 8), 16) % MAX_DELAY_MS;
  }

  /** Whether this process created the Job, so that nobody else can have reported it. */
  isOwn(job: Job): boolean {
    if (this.#others.has(job.metadata.uid)) return false;
    const startedMs = Math.floor(this.#startedAt.getTime() / 1_000) * 1_000;
    return ownerOf(job) === this.#identity && new Date(job.metadata.creationTimestamp).getTime() > startedMs;
  }

  /**
   * Whether this process may report the Job now: undefined if yes, else how many milliseconds to wait for its owner. Taking
   * over patches the annotation with the Job's resourceVersion, so that only one of two processes succeeds.
   */
  async mayReport(job: Job, gone: boolean): Promise<number | undefined> {
    const { uid, name, namespace, resourceVersion } = job.metadata;
    const owner = ownerOf(job);
    if (owner === this.#identity || this.#owned.has(uid)) return undefined;
    this.#others.add(uid);
    const isAwaited = owner !== undefined && !this.#deps.isDead(owner);
    const leftMs = this.#remainingMs(uid, (isAwaited ? OWNER_TIMEOUT_MS : 0) + (gone ? this.#delayMs : 0));
    if (leftMs > 0) return leftMs;
    this.#waitingSince.delete(uid);
    if (gone) return undefined;
    const annotations = { [OWNER_ANNOTATION]: this.#identity };
    const outcome = await this.#patch({ namespace, name }, { metadata: { resourceVersion, annotations } });
    if (outcome === "changed") return CONFLICT_RETRY_MS;
    this.#owned.add(uid);
    return undefined;
  }

  /** Call when this process reports all Jobs of the run: it then also reports the run's end when no Job is left. */
  own(flowRunId: string): void {
    this.#owned.add(flowRunId);
  }

  /** Whether this process may report the end of a run without Jobs: undefined if yes, else how many milliseconds to wait. */
  mayReportEnd(flowRunId: string): number | undefined {
    if (this.#owned.has(flowRunId)) return undefined;
    const leftMs = this.#remainingMs(flowRunId, OWNER_TIMEOUT_MS + this.#delayMs);
    return leftMs > 0 ? leftMs : undefined;
  }

  /** Forgets a Job by its uid, or a run by its id. */
  forget(id: string): void {
    this.#waitingSince.delete(id);
    this.#owned.delete(id);
    this.#others.delete(id);
  }

  /** Forgets all other Jobs and runs; no further decision is made about a Job that this process deleted. */
  keepOnly(ids: ReadonlySet<string>): void {
    const known = [...this.#waitingSince.keys(), ...this.#owned, ...this.#others];
    for (const id of known) if (!ids.has(id)) this.forget(id);
  }

  /** The rest of a wait that began with the first call for this Job's uid or run's id. */
  #remainingMs(id: string, ms: number): number {
    const now = this.#deps.clock.now();
    const since = this.#waitingSince.get(id) ?? now;
    this.#waitingSince.set(id, since);
    return since.getTime() + ms - now.getTime();
  }

  /** Without permission to patch Jobs this process reports all the same: better twice than never. */
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
