// A cache of one query that cannot die silently. client-node's informer stops at the first error that is not a 410
// and has no bookmarks (kubernetes-client/javascript#3020 and before); this one lists in pages, watches with bookmarks,
// an idle timer and a server-side end, relists after 410 and now and then as the truth, and restarts for ever.

import type { Clock } from "../../base/clock.ts";
import { backoffMs } from "../../base/backoff.ts";
import type { KubeApi, ListQuery } from "../client/api.ts";
import { KubeError } from "../client/errors.ts";
import type { KindMap, Resource } from "../client/objects.ts";

export interface ReflectorOptions<R extends Resource, Kept> {
  readonly kube: Pick<KubeApi, "listPage" | "watch">;
  readonly clock: Clock;
  readonly resource: R;
  readonly query: ListQuery;
  /** What to keep of an object; undefined: nothing. */
  readonly keep: (object: KindMap[R]) => Kept | undefined;
  /** Told after the cache changed. */
  readonly onChange: (change: Change<Kept>) => void;
  /** Told when the connection breaks, with the failures in a row, and when it is back. */
  readonly onOutage?: ((error: unknown, failures: number) => void) | undefined;
  readonly onRecovery?: (() => void) | undefined;
  /** Told whenever the server was heard: a list, an event, a bookmark, the good end of a watch. */
  readonly onHeard?: (() => void) | undefined;
  /** Milliseconds without a byte after which a watch counts as dead; 150,000 without it: two missing bookmarks and more. */
  readonly idleMs?: number | undefined;
  /** Milliseconds between full lists. */
  readonly relistMs: number;
  readonly random?: (() => number) | undefined;
}

/** What a cached object must keep of itself. */
export interface Cached {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
}

export type Change<Kept> =
  | { readonly type: "set"; readonly object: Kept; readonly before: Kept | undefined }
  | { readonly type: "gone"; readonly object: Kept };

const PAGE = 500;
const WATCH_SECONDS = { least: 240, spread: 60 };
const BACKOFF = { firstMs: 500, maxMs: 30_000 };
const SHORTEST_WATCH_MS = 1_000;
/** A bookmark comes about once a minute. */
const IDLE_MS = 150_000;

/** Lists and watches until told to stop; `synced` resolves after the first complete list. */
export class Reflector<R extends Resource, Kept extends Cached> {
  readonly #options: ReflectorOptions<R, Kept>;
  readonly #objects = new Map<string, Kept>();
  readonly synced: Promise<void>;
  #setSynced: () => void = () => {};
  #resourceVersion = "";
  #listedAtMs = 0;
  #failures = 0;
  /** Answers 410 since a watch last said anything. */
  #expired = 0;
  /** Watches and lists begun; for metrics. */
  restarts = 0;
  /** When the server was heard last: a list, an event, a bookmark or the good end of a watch. */
  heardAt: Date | undefined;

  constructor(options: ReflectorOptions<R, Kept>) {
    this.#options = options;
    this.synced = new Promise((resolve) => (this.#setSynced = resolve));
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

  /** Runs until the signal aborts. Throws only what no waiting can mend (401 and 403 that last: see `isPermanent`). */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const now = this.#options.clock.now().getTime();
        if (this.#resourceVersion === "" || now - this.#listedAtMs > this.#options.relistMs)
          await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, signal);
      }
    }
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof KubeError && error.status === 410) {
      this.#resourceVersion = "";
      // The first is in the order of things; a server that forgets faster than we list must not make us spin.
      if (this.#expired > 0) {
        await this.#options.clock.sleep(backoffMs(BACKOFF, this.#expired - 1, this.#options.random), signal);
      }
      this.#expired++;
      return;
    }
    this.#options.onOutage?.(error, this.#failures + 1);
    const asked = error instanceof KubeError ? error.retryAfterMs : undefined;
    const delayMs = asked ?? backoffMs(BACKOFF, this.#failures, this.#options.random);
    this.#failures++;
    await this.#options.clock.sleep(delayMs, signal);
  }

  #heard(): void {
    this.heardAt = this.#options.clock.now();
    this.#options.onHeard?.();
    if (this.#failures > 0) this.#options.onRecovery?.();
    this.#failures = 0;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { kube, resource, query } = this.#options;
    this.restarts++;
    const seen = new Set<string>();
    let next: string | undefined;
    let resourceVersion = "";
    do {
      const page = await kube.listPage(resource, { ...query, limit: PAGE, next }, signal);
      for (const object of page.items) {
        seen.add(object.metadata.uid);
        this.#set(object);
      }
      resourceVersion = page.resourceVersion;
      next = page.next;
    } while (next !== undefined);
    for (const uid of this.#objects.keys()) if (!seen.has(uid)) this.#remove(uid);
    this.#resourceVersion = resourceVersion;
    this.#listedAtMs = this.#options.clock.now().getTime();
    this.#heard();
    this.#setSynced();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const random = this.#options.random ?? Math.random;
    const beganAtMs = this.#options.clock.now().getTime();
    const timeoutSeconds = Math.round(WATCH_SECONDS.least + WATCH_SECONDS.spread * random());
    this.restarts++;
    const events = this.#options.kube.watch(
      this.#options.resource,
      {
        ...this.#options.query,
        resourceVersion: this.#resourceVersion,
        timeoutSeconds,
        idleMs: this.#options.idleMs ?? IDLE_MS,
      },
      signal,
    );
    for await (const event of events) {
      this.#heard();
      this.#expired = 0;
      if (event.type === "BOOKMARK") {
        if (event.resourceVersion !== "") this.#resourceVersion = event.resourceVersion;
        continue;
      }
      this.#resourceVersion = event.object.metadata.resourceVersion;
      if (event.type === "DELETED") this.#remove(event.object.metadata.uid, event.object);
      else this.#set(event.object);
    }
    this.#heard();
    // A proxy that ends every watch at once must not make us spin.
    const lastedMs = this.#options.clock.now().getTime() - beganAtMs;
    if (lastedMs < SHORTEST_WATCH_MS) await this.#options.clock.sleep(SHORTEST_WATCH_MS - lastedMs, signal);
  }

  #set(object: KindMap[R]): void {
    const { uid } = object.metadata;
    const before = this.#objects.get(uid);
    // A relist mostly tells what is known.
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    const kept = this.#options.keep(object);
    if (kept === undefined) return this.#remove(uid);
    this.#objects.set(uid, kept);
    this.#options.onChange({ type: "set", object: kept, before });
  }

  /** The last version that a DELETED event carries is newer than ours: a Job may have finished just before. */
  #remove(uid: string, last?: KindMap[R]): void {
    const before = this.#objects.get(uid);
    if (before === undefined) return;
    this.#objects.delete(uid);
    const kept = last === undefined ? before : (this.#options.keep(last) ?? before);
    this.#options.onChange({ type: "gone", object: kept });
  }

  /** Drops what `keep` would no longer keep; for caches whose rule depends on time. */
  prune(unwanted: (object: Kept) => boolean): void {
    for (const [uid, object] of this.#objects) if (unwanted(object)) this.#objects.delete(uid);
  }
}
