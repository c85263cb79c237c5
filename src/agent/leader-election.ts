// Leader election on a Lease, by client-go's rules: one agent works, its siblings wait, a clean end hands over at once.

import type { Clock } from "../base/clock.ts";
import { textIn } from "../base/json.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KubeApi, ObjectRef } from "../kube/client/api.ts";
import type { AnyObject } from "../kube/client/objects.ts";
import { Outage } from "./outage.ts";

export interface LeaderOptions {
  readonly kube: Pick<KubeApi, "get" | "create" | "replace">;
  readonly clock: Clock;
  readonly log: Log;
  readonly lease: ObjectRef;
  /** A name that no sibling has. */
  readonly identity: string;
  /** Told whenever the Lease was looked at while another one leads: waiting is progress, too. */
  readonly onWaiting: () => void;
}

/** client-go's defaults. */
const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;

interface Seen {
  readonly resourceVersion: string;
  readonly at: Date;
}

/** Waits to become leader, works while it is, and again, until the signal aborts or the work is done. */
export async function whileLeading(
  options: LeaderOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const election = new Election(options);
  while (!signal.aborted) {
    await election.win(signal);
    if (signal.aborted) return;
    options.log.info("Became the leader", { lease: options.lease.name, identity: options.identity });
    const lost = new AbortController();
    const done = new AbortController();
    const keeping = election.keep(lost, done.signal);
    try {
      await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      done.abort();
      await keeping;
      // Also when the work has failed: a sibling need not wait for the Lease to run out.
      if (!lost.signal.aborted) await election.handOver();
    }
    if (!lost.signal.aborted) return;
    options.log.warn("Lost the lead, waiting to become leader again", { lease: options.lease.name });
  }
}

/** One candidate. A holder is judged by when we last saw its Lease change, not by its clock. */
class Election {
  readonly #options: LeaderOptions;
  readonly #outage: Outage;
  #seen: Seen | undefined;
  #told = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#outage = new Outage("Kubernetes API (Lease)", options);
  }

  /** Waits for the Lease, or for the signal. Throws KubeError when it is refused for good. */
  async win(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const outcome = await this.#try().catch((error: unknown) => this.#outage.noted(error));
      if (outcome !== undefined) this.#outage.over();
      if (outcome === true) return;
      if (outcome === false) this.#options.onWaiting();
      if (!this.#told)
        this.#options.log.info("Waiting to become the leader", { lease: this.#options.lease.name });
      this.#told = true;
      await this.#options.clock.sleep(RETRY_MS, signal);
    }
  }

  /** Renews until done; aborts `lost` when it could not in time. */
  async keep(lost: AbortController, done: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let renewedAt = clock.now();
    while (!done.aborted) {
      await clock.sleep(RETRY_MS, done);
      if (done.aborted) return;
      // A server that does not answer at all must not let the deadline pass unseen.
      const leftMs = renewedAt.getTime() + RENEW_DEADLINE_MS - clock.now().getTime();
      const kept = await this.#within(leftMs, this.#renewed());
      const now = clock.now();
      if (kept === true) renewedAt = now;
      else if (now.getTime() - renewedAt.getTime() >= RENEW_DEADLINE_MS) return lost.abort();
    }
  }

  /** Leaves the Lease without a holder, so that a sibling need not wait for it to run out. */
  async handOver(): Promise<void> {
    await this.#within(RENEW_DEADLINE_MS, this.#release());
  }

  async #release(): Promise<void> {
    try {
      const lease = await this.#read();
      if (lease !== undefined && holderOf(lease) === this.#options.identity) await this.#write(lease, "");
    } catch (error) {
      this.#options.log.debug("Could not hand over the Lease", { error: textOf(error) });
    }
  }

  /** Undefined when there was no answer in time. */
  async #within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
    const answered = new AbortController();
    const late = this.#options.clock.sleep(ms, answered.signal);
    try {
      return await Promise.race([answer, late.then(() => undefined)]);
    } finally {
      answered.abort();
    }
  }

  async #renewed(): Promise<boolean> {
    try {
      const kept = await this.#try();
      this.#outage.over();
      return kept;
    } catch (error) {
      // What is refused for good shows in the work, too, or ends the wait for the next lead.
      this.#outage.tell(error);
      return false;
    }
  }

  async #try(): Promise<boolean> {
    const lease = await this.#read();
    if (lease === undefined) return (await this.#create()) === "created";
    const holder = holderOf(lease);
    if (holder !== "" && holder !== this.#options.identity && !this.#isOver(lease)) return false;
    return (await this.#write(lease, this.#options.identity)) === "replaced";
  }

  #read(): Promise<AnyObject | undefined> {
    return this.#options.kube.get("leases", this.#options.lease);
  }

  #isOver(lease: AnyObject): boolean {
    const now = this.#options.clock.now();
    const { resourceVersion } = lease.metadata;
    if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, at: now };
    return now.getTime() - this.#seen.at.getTime() > LEASE_MS;
  }

  #create(): Promise<string> {
    const { name, namespace } = this.#options.lease;
    return this.#options.kube.create("leases", this.#body({ name, namespace }, this.#options.identity, 0), {
      namespace,
    });
  }

  #write(lease: AnyObject, holder: string): Promise<string> {
    const transitions = Number(lease.spec?.["leaseTransitions"] ?? 0) + (holderOf(lease) === holder ? 0 : 1);
    return this.#options.kube.replace(
      "leases",
      this.#options.lease,
      this.#body(lease.metadata, holder, transitions),
    );
  }

  #body(metadata: object, holder: string, leaseTransitions: number): object {
    // A Lease's times are MicroTime: six decimals.
    const renewTime = this.#options.clock.now().toISOString().replace("Z", "000Z");
    const leaseDurationSeconds = holder === "" ? 1 : LEASE_MS / 1_000;
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds,
      acquireTime: renewTime,
      renewTime,
      leaseTransitions,
    };
    return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
  }
}

function holderOf(lease: AnyObject): string {
  return textIn(lease.spec?.["holderIdentity"]) ?? "";
}
