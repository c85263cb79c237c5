// supervise: one agent tells a Job's story. Its name stands on the Job; another takes over when that one is dead or silent.

import type { Clock } from "../../base/clock.ts";
import type { KubeApi } from "../../kube/api.ts";
import type { Job } from "../../kube/objects.ts";
import { KubeError } from "../../kube/errors.ts";
import { TELLER_ANNOTATION } from "../../job/labels.ts";

export interface TellerDeps {
  readonly kube: Pick<KubeApi, "patch">;
  readonly clock: Clock;
  readonly isDead: (teller: string) => boolean;
}

/** How long another agent may stay silent about something that should be told. */
const SILENCE_MS = 10_000;

/** Who speaks for which Job. */
export class Teller {
  readonly #deps: TellerDeps;
  readonly #me: string;
  readonly #bornAt: Date;
  readonly #waitingSince = new Map<string, Date>();
  readonly #taken = new Set<string>();

  constructor(me: string, deps: TellerDeps) {
    this.#me = me;
    this.#deps = deps;
    this.#bornAt = deps.clock.now();
  }

  /** Made by this very process: nobody can have spoken of it before. */
  isOwn(job: Job): boolean {
    const bornMs = Math.floor(this.#bornAt.getTime() / 1_000) * 1_000;
    return this.#names(job) === this.#me && new Date(job.metadata.creationTimestamp).getTime() > bornMs;
  }

  /**
   * Whether we may speak now: undefined when yes, else how many milliseconds to wait for the other.
   * Taking over writes our name on the Job, with its resourceVersion, so that of two only one does.
   */
  async mayTell(job: Job, gone: boolean): Promise<number | undefined> {
    const { uid, name, namespace, resourceVersion } = job.metadata;
    const other = this.#names(job);
    if (other === this.#me || this.#taken.has(uid)) return undefined;
    if (other !== undefined && !this.#deps.isDead(other)) {
      const leftMs = this.#silenceLeft(uid);
      if (leftMs > 0) return leftMs;
    }
    this.#waitingSince.delete(uid);
    if (gone) return undefined;
    const annotations = { [TELLER_ANNOTATION]: this.#me };
    const outcome = await this.#write({ namespace, name }, { metadata: { resourceVersion, annotations } });
    if (outcome === "changed") return 500;
    this.#taken.add(uid);
    return undefined;
  }

  forget(jobUid: string): void {
    this.#waitingSince.delete(jobUid);
    this.#taken.delete(jobUid);
  }

  #names(job: Job): string | undefined {
    return job.metadata.annotations?.[TELLER_ANNOTATION];
  }

  #silenceLeft(uid: string): number {
    const now = this.#deps.clock.now();
    const since = this.#waitingSince.get(uid) ?? now;
    this.#waitingSince.set(uid, since);
    return since.getTime() + SILENCE_MS - now.getTime();
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
