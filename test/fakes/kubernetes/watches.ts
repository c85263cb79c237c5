// Watches: changes as lines of JSON, from a resourceVersion on, with bookmarks in between.

import type { Clock } from "../../../src/base/clock.ts";
import type { ResponseStream, StreamedResponse } from "../http-server.ts";
import { expired, Failure } from "./failure.ts";
import { numberIn } from "./lists.ts";
import { apiVersionOf } from "./resources.ts";
import { selectionOf } from "./selection.ts";
import type { Selection } from "./selection.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";
import { eventFrame } from "./version.ts";
import type { Change, ChangeType } from "./version.ts";

/** A client that does not read loses its watch before it costs this much memory. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** The watches under way. */
export class Watches {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #open = new Set<Watch>();
  readonly #stop = new AbortController();
  readonly #bookmarkMs: number;
  #ticking = false;

  constructor(store: Store, clock: Clock, bookmarkMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#bookmarkMs = bookmarkMs;
  }

  /** How many watches are open. */
  get size(): number {
    return this.#open.size;
  }

  /** The watch that a request asks for. Throws a 400 Failure for selectors that cannot be read. */
  open(target: Target): StreamedResponse {
    const selection = selectionOf(target);
    const at = versionOf(target.query);
    const seconds = numberIn(target.query, "timeoutSeconds");
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      start: (stream) => {
        const watch = new Watch(this.#store, target, { selection, stream });
        this.#open.add(watch);
        stream.onClose(() => {
          watch.close();
          this.#open.delete(watch);
        });
        watch.begin(at);
        if (seconds !== undefined && seconds > 0) void this.#endAfter(watch, seconds);
        if (!this.#ticking) void this.#bookmark();
      },
    };
  }

  /** Cuts every watch, as a restarting server does. */
  drop(): void {
    for (const watch of this.#open) watch.cut();
  }

  /** Lets every open watch go silent: its connection stays, nothing comes any more. */
  mute(): void {
    for (const watch of this.#open) watch.close();
  }

  stop(): void {
    this.#stop.abort();
    this.drop();
  }

  async #endAfter(watch: Watch, seconds: number): Promise<void> {
    await this.#clock.sleep(seconds * 1_000, AbortSignal.any([this.#stop.signal, watch.signal]));
    if (!this.#stop.signal.aborted) watch.end();
  }

  /** One timer for all watches, while there are any. */
  async #bookmark(): Promise<void> {
    this.#ticking = true;
    while (this.#open.size > 0 && !this.#stop.signal.aborted) {
      await this.#clock.sleep(this.#bookmarkMs, this.#stop.signal);
      for (const watch of this.#open) watch.bookmark();
    }
    this.#ticking = false;
  }
}

class Watch {
  readonly #store: Store;
  readonly #target: Target;
  readonly #selection: Selection;
  readonly #stream: ResponseStream;
  readonly #wantsBookmarks: boolean;
  readonly #closed = new AbortController();
  #unlisten: () => void = () => undefined;
  #sent = 0;

  constructor(store: Store, target: Target, to: { selection: Selection; stream: ResponseStream }) {
    this.#store = store;
    this.#target = target;
    this.#selection = to.selection;
    this.#stream = to.stream;
    this.#wantsBookmarks = ["true", "1"].includes(target.query.get("allowWatchBookmarks") ?? "");
  }

  /** Aborts when the watch has gone silent or ended. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  begin(at: number | undefined): void {
    if (at === undefined) this.#sendAll();
    else if (!this.#sendMissed(at)) return;
    this.#unlisten = this.#store.listen(this.#target.type, (change) => this.#tell(change));
  }

  bookmark(): void {
    if (!this.#wantsBookmarks || this.signal.aborted) return;
    const { kind } = this.#target.type;
    // A watch of the future has seen nothing yet, and its bookmark must not take it back.
    const metadata = { resourceVersion: String(Math.max(this.#store.at, this.#sent)) };
    const object = { kind, apiVersion: apiVersionOf(this.#target.type), metadata };
    this.#write(Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`));
  }

  /** Ends in good order, as at timeoutSeconds. */
  end(): void {
    if (this.signal.aborted) return;
    this.bookmark();
    this.close();
    this.#stream.end();
  }

  /** Sends nothing more. */
  close(): void {
    this.#unlisten();
    this.#closed.abort();
  }

  cut(): void {
    this.close();
    this.#stream.destroy();
  }

  #sendAll(): void {
    for (const version of this.#store.all(this.#target.type, this.#target.namespace)) {
      if (this.#selection.matches(version.object)) this.#write(eventFrame("ADDED", version));
    }
    this.#sent = this.#store.at;
  }

  #sendMissed(at: number): boolean {
    this.#sent = at;
    const missed = this.#store.changesAfter(this.#target.type, at);
    if (missed === undefined) {
      const oldest = this.#store.oldest(this.#target.type);
      this.#write(errorFrame(expired(`too old resource version: ${at} (${oldest})`)));
      this.close();
      this.#stream.end();
      return false;
    }
    for (const change of missed) this.#tell(change);
    return true;
  }

  #tell(change: Change): void {
    if (change.version.at <= this.#sent) return;
    const as = this.#seenAs(change);
    if (as !== undefined) this.#write(change.frame(as));
  }

  /** What the change is to somebody who sees only the selection. */
  #seenAs({ kind, version, previous }: Change): ChangeType | undefined {
    const was = previous !== undefined && this.#selection.matches(previous.object);
    const is = kind !== "DELETED" && this.#selection.matches(version.object);
    if (is) return was ? "MODIFIED" : "ADDED";
    return was ? "DELETED" : undefined;
  }

  #write(frame: Buffer): void {
    this.#stream.write(frame);
    if (this.#stream.writableLength > MAX_UNREAD_BYTES) this.cut();
  }
}

/** Where to start: after this resourceVersion, or with all that is there now when undefined. */
function versionOf(query: URLSearchParams): number | undefined {
  const given = query.get("resourceVersion") ?? "";
  if (given === "" || given === "0") return undefined;
  if (/^\d+$/.test(given)) return Number(given);
  const cause = `strconv.ParseUint: parsing "${given}": invalid syntax`;
  throw new Failure(`resourceVersion: Invalid value: "${given}": ${cause}`, { code: 500 });
}

function errorFrame(failure: Failure): Buffer {
  return Buffer.from(`${JSON.stringify({ type: "ERROR", object: failure.body })}\n`);
}
