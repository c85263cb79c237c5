// Leader election with a Lease, by client-go's rules: one agent works, the others wait; a clean shutdown releases the Lease.

import { MAX_TIMER_MS } from "../base/clock.ts";
import { textIn } from "../base/json.ts";
import { textOf } from "../base/errors.ts";
import type { KubeApi } from "../kube/client/api.ts";
import type { AnyObject, ObjectRef } from "../kube/client/objects.ts";
import type { AgentDeps } from "./deps.ts";
import { Outage } from "./outage.ts";

interface LeaderOptions extends Pick<AgentDeps, "clock" | "log"> {
  readonly kube: Pick<KubeApi, "get" | "create" | "replace">;
  readonly lease: ObjectRef;
  readonly identity: string;
  /** Called whenever the Lease was read while another process leads: waiting counts as progress. */
  readonly onWaiting: () => void;
}

/** client-go's defaults. */
const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;

/** Waits to become the leader and works while leading; repeats until the signal aborts or the work is done. */
export async function whileLeading(
  options: LeaderOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const election = new Election(options);
  while (!signal.aborted) {
    await election.acquire(signal);
    if (signal.aborted) return;
    options.log.info("Became the leader", { lease: options.lease.name, identity: options.identity });
    const lost = new AbortController();
    const done = new AbortController();
    const renewing = election.keepRenewing(lost, done.signal);
    try {
      await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      done.abort();
      await renewing;
      // Also when the work has failed, so that the next leader need not wait for the Lease to expire.
      if (!lost.signal.aborted) await election.release();
    }
    if (!lost.signal.aborted) return;
    options.log.warn("Lost leadership, waiting to become the leader again", { lease: options.lease.name });
  }
}

/** One candidate. A Lease expires by when this process last saw it change, not by the holder's clock. */
class Election {
  readonly #options: LeaderOptions;
  readonly #outage: Outage;
  /** `at`: ticks. */
  #lastChange: { readonly resourceVersion: string; readonly at: number } | undefined;
  #hasLoggedWaiting = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#outage = new Outage("Kubernetes API (Lease)", options);
  }

  async acquire(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // The server may not answer for long.
      const outcome = await this.#withTimeout(MAX_TIMER_MS, this.#try(), signal);
      if (outcome === true || signal.aborted) return;
      if (outcome === false) this.#options.onWaiting();
      if (!this.#hasLoggedWaiting)
        this.#options.log.info("Waiting to become the leader", { lease: this.#options.lease.name });
      this.#hasLoggedWaiting = true;
      await this.#options.clock.sleep(RETRY_MS, signal);
    }
  }

  /** Renews until done; aborts `lost` if it cannot renew in time. */
  async keepRenewing(lost: AbortController, done: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let renewedAt = clock.ticks();
    while (!done.aborted) {
      await clock.sleep(RETRY_MS, done);
      if (done.aborted) return;
      // The deadline must also hold if the server never responds.
      const leftMs = renewedAt + RENEW_DEADLINE_MS - clock.ticks();
      const isRenewed = await this.#withTimeout(leftMs, this.#try());
      const now = clock.ticks();
      if (isRenewed === true) renewedAt = now;
      else if (now - renewedAt >= RENEW_DEADLINE_MS) return lost.abort();
    }
  }

  /** Removes the holder from the Lease, so that the next leader need not wait for it to expire. */
  async release(): Promise<void> {
    await this.#withTimeout(RENEW_DEADLINE_MS, this.#clearHolder());
  }

  async #clearHolder(): Promise<void> {
    try {
      const lease = await this.#options.kube.get("leases", this.#options.lease);
      if (lease !== undefined && holderOf(lease) === this.#options.identity) await this.#write(lease, "");
    } catch (error) {
      this.#options.log.debug("Could not release the Lease", { error: textOf(error) });
    }
  }

  /** The result, or undefined on timeout, and when the signal aborts. Leaves nothing behind: a candidate may wait for months. */
  async #withTimeout<T>(ms: number, work: Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    const done = new AbortController();
    const end = (): void => done.abort();
    signal?.addEventListener("abort", end);
    const timeout = this.#options.clock.sleep(ms, done.signal);
    try {
      return await Promise.race([work, timeout.then(() => undefined)]);
    } finally {
      signal?.removeEventListener("abort", end);
      end();
    }
  }

  /** Whether it holds the Lease now; undefined if the server does not answer. */
  async #try(): Promise<boolean | undefined> {
    try {
      const isHeld = await this.#tryAcquire();
      this.#outage.recovered();
      return isHeld;
    } catch (error) {
      this.#outage.record(error);
      return undefined;
    }
  }

  async #tryAcquire(): Promise<boolean> {
    const { kube, lease: ref, identity } = this.#options;
    const lease = await kube.get("leases", ref);
    if (lease === undefined)
      return (await kube.create("leases", this.#body(ref, identity, 0), ref)) === "created";
    const holder = holderOf(lease);
    if (holder !== "" && holder !== identity && !this.#hasExpired(lease)) return false;
    return (await this.#write(lease, identity)) === "replaced";
  }

  #hasExpired(lease: AnyObject): boolean {
    const now = this.#options.clock.ticks();
    const { resourceVersion } = lease.metadata;
    if (this.#lastChange?.resourceVersion !== resourceVersion)
      this.#lastChange = { resourceVersion, at: now };
    return now - this.#lastChange.at > LEASE_MS;
  }

  #write(lease: AnyObject, holder: string): Promise<string> {
    const transitions = Number(lease.spec?.["leaseTransitions"] ?? 0) + (holderOf(lease) === holder ? 0 : 1);
    const body = this.#body(lease.metadata, holder, transitions);
    return this.#options.kube.replace("leases", this.#options.lease, body);
  }

  #body(metadata: object, holder: string, leaseTransitions: number): object {
    // The times of a Lease are MicroTime, with six decimals.
    const renewTime = this.#options.clock.now().toISOString().replace("Z", "000Z");
    const leaseDurationSeconds = holder === "" ? 1 : LEASE_MS / 1_000;
    const times = { leaseDurationSeconds, acquireTime: renewTime, renewTime };
    const spec = { holderIdentity: holder, ...times, leaseTransitions };
    return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
  }
}

function holderOf(lease: AnyObject): string {
  return textIn(lease.spec?.["holderIdentity"]) ?? "";
}
