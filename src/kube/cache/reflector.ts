// A cache of one query that never stops silently. client-node's informer stops at the first error that is not a 410
// and has no bookmarks (kubernetes-client/javascript#3020). This one lists in pages, watches with bookmarks, an idle
// timeout and a server-side timeout, relists after 410 and periodically, and always restarts.

import type { Clock } from "../../base/clock.ts";
import { backoffMs, retryAfterMs } from "../../base/retry.ts";
import { isQuiet, TransportError } from "../../http/errors.ts";
import type { KubeApi, ListQuery } from "../client/api.ts";
import { KubeError } from "../client/errors.ts";
import type { KindMap, Resource } from "../client/objects.ts";

export interface ReflectorOptions<R extends Resource, Kept> {
  readonly kube: Pick<KubeApi, "listPage" | "watch">;
  readonly clock: Clock;
  readonly resource: R;
  readonly query: ListQuery;
  /** The part of an object to cache; undefined: do not cache it. */
  readonly transform: (object: KindMap[R]) => Kept | undefined;
  /** Called after every change of the cache. */
  readonly onChange: (change: Change<Kept>) => void;
  /** Called after each failed list or watch with the number of failures in a row; may throw to stop the reflector. */
  readonly onOutage?: ((error: unknown, failures: number) => void) | undefined;
  /** Called at the first activity after an outage. */
  readonly onRecovery?: () => void;
  /** Called after each list, event and bookmark, and when a watch ends without error. */
  readonly onActivity?: () => void;
  /**
   * The watch is opened again after so many milliseconds without a byte, by default 150,000: nothing may have changed, or the
   * connection is dead. Only if it cannot be opened again it is an outage.
   */
  readonly idleMs?: number;
  /** Milliseconds between full lists. */
  readonly relistMs: number;
}

/** What every cached object must have. */
export interface Cached {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
}

export type Change<Kept> =
  | { readonly type: "set"; readonly object: Kept; readonly before: Kept | undefined }
  | { readonly type: "gone"; readonly object: Kept };

const PAGE = 500;
const WATCH_SECONDS = { least: 240, spread: 60 };
const BACKOFF = { firstMs: 500, maxMs: 30_000 };
const MIN_WATCH_MS = 1_000;
/**
 * A connection that breaks after this long may have been idle for too long for a load balancer: 20 s in kubeadm's own example
 * (kubernetes/kubeadm#2227).
 */
const IDLE_BREAK_MS = 5_000;
/** Servers send a bookmark about once a minute, unless nothing at all has changed. */
const IDLE_MS = 150_000;

export class Reflector<R extends Resource, Kept extends Cached> {
  readonly #options: ReflectorOptions<R, Kept>;
  readonly #objects = new Map<string, Kept>();
  readonly #firstList = Promise.withResolvers<void>();
  /** Resolves after the first complete list. */
  readonly synced = this.#firstList.promise;
  #resourceVersion = "";
  #failures = 0;
  /** 410 responses since the last watch event. */
  #expired = 0;
  /** The last watch ended because no byte came, or something between cut it for that. */
  #isQuiet = false;
  /** The tick at which the watch was opened; undefined: it is not. */
  #openedMs: number | undefined;
  /** The tick at which the last complete list began; 0 before the first one. */
  listedAtMs = 0;
  /** Number of lists and watches started; for metrics. */
  restarts = 0;
  /** Callers of refresh() whose list has not started yet. */
  #refreshing: ((isListed: boolean) => void)[] = [];
  #watching = new AbortController();
  #hasEnded = false;

  constructor(options: ReflectorOptions<R, Kept>) {
    this.#options = options;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(uid: string): Kept | undefined {
    return this.#objects.get(uid);
  }

  values(): IterableIterator<Kept> {
    return this.#objects.values();
  }

  /** Runs until the signal aborts. Throws only what onOutage throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#watching = new AbortController();
      this.#openedMs = undefined;
      try {
        const isOld = this.#options.clock.ticks() - this.listedAtMs > this.#options.relistMs;
        if (this.#resourceVersion === "" || this.#refreshing.length > 0 || isOld) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (!signal.aborted && !this.#watching.signal.aborted) await this.#recover(error, signal);
      }
    }
    this.#hasEnded = true;
    for (const resolve of this.#refreshing.splice(0)) resolve(false);
  }

  /**
   * Lists again, since what is cached may be old; resolves when the list, which starts after this call, is complete. False: it
   * does not watch any more.
   */
  async refresh(): Promise<boolean> {
    if (this.#hasEnded) return false;
    const isListed = new Promise<boolean>((resolve) => this.#refreshing.push(resolve));
    this.#watching.abort();
    return isListed;
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof KubeError && error.status === 410) {
      this.#resourceVersion = "";
      // The first 410 is normal. After that back off, in case the server compacts faster than the list is read.
      if (this.#expired > 0) {
        await this.#options.clock.sleep(backoffMs(BACKOFF, this.#expired - 1, this.#options.clock), signal);
      }
      this.#expired++;
      return;
    }
    this.#isQuiet = isQuiet(error) || this.#isCutIdle(error);
    if (this.#isQuiet) return;
    this.#options.onOutage?.(error, this.#failures + 1);
    const delayMs = retryAfterMs(error) ?? backoffMs(BACKOFF, this.#failures, this.#options.clock);
    this.#failures++;
    await this.#options.clock.sleep(delayMs, signal);
  }

  /** Whether the connection of a watch broke that had been open for a while. */
  #isCutIdle(error: unknown): boolean {
    const openMs = this.#options.clock.ticks() - (this.#openedMs ?? Infinity);
    return error instanceof TransportError && openMs >= IDLE_BREAK_MS;
  }

  #recordActivity(): void {
    this.#options.onActivity?.();
    if (this.#failures > 0) this.#options.onRecovery?.();
    this.#failures = 0;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { clock, kube, resource, query, transform } = this.#options;
    const startedMs = clock.ticks();
    this.restarts++;
    const refreshed = this.#refreshing.splice(0);
    const seen = new Set<string>();
    let next: string | undefined;
    let resourceVersion = "";
    try {
      do {
        const page = await kube.listPage(resource, { ...query, limit: PAGE, next, transform }, signal);
        for (const object of page.items) {
          seen.add(object.metadata.uid);
          this.#set(object);
        }
        resourceVersion = page.resourceVersion;
        next = page.next;
      } while (next !== undefined);
    } catch (error) {
      this.#refreshing.push(...refreshed);
      throw error;
    }
    for (const uid of this.#objects.keys()) if (!seen.has(uid)) this.#remove(uid);
    this.#resourceVersion = resourceVersion;
    this.listedAtMs = startedMs;
    this.#recordActivity();
    this.#firstList.resolve();
    for (const resolve of refreshed) resolve(true);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, kube, resource, idleMs = IDLE_MS } = this.#options;
    const startedMs = clock.ticks();
    const timeoutSeconds = Math.round(WATCH_SECONDS.least + WATCH_SECONDS.spread * clock.random());
    this.restarts++;
    if (this.#refreshing.length > 0) return;
    const query = { ...this.#options.query, resourceVersion: this.#resourceVersion, timeoutSeconds, idleMs };
    const either = AbortSignal.any([signal, this.#watching.signal]);
    for await (const event of kube.watch(resource, query, either)) {
      if (event.type === "OPEN") {
        this.#openedMs = clock.ticks();
        // After a quiet watch, that it opens again is all that can be known; after an error it proves nothing.
        if (this.#isQuiet) this.#recordActivity();
        continue;
      }
      this.#recordActivity();
      this.#expired = 0;
      if (event.type === "BOOKMARK") {
        if (event.resourceVersion !== "") this.#resourceVersion = event.resourceVersion;
        continue;
      }
      this.#resourceVersion = event.object.metadata.resourceVersion;
      const { uid } = event.object.metadata;
      const kept = this.#options.transform(event.object);
      if (event.type === "DELETED" || kept === undefined) this.#remove(uid, kept);
      else this.#set(kept);
    }
    this.#recordActivity();
    // Do not loop without delay when a proxy ends every watch at once.
    const lastedMs = clock.ticks() - startedMs;
    if (lastedMs < MIN_WATCH_MS) await clock.sleep(MIN_WATCH_MS - lastedMs, signal);
  }

  #set(object: Kept): void {
    const { uid } = object.metadata;
    const before = this.#objects.get(uid);
    // After a relist most objects are unchanged.
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#objects.set(uid, object);
    this.#options.onChange({ type: "set", object, before });
  }

  /** Reports the version in the DELETED event, which is newer than the cached one: the Job may have finished just before. */
  #remove(uid: string, last?: Kept): void {
    const before = this.#objects.get(uid);
    if (before === undefined) return;
    this.#objects.delete(uid);
    this.#options.onChange({ type: "gone", object: last ?? before });
  }

  /** Removes cached objects without onChange; for caches whose `transform` depends on time. */
  prune(unwanted: (object: Kept) => boolean): void {
    for (const [uid, object] of this.#objects) if (unwanted(object)) this.#objects.delete(uid);
  }
}
