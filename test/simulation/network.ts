// HTTP without sockets: requests of simulated processes to the fakes' handlers, with latency and with connections that fail.

import { abortError, closedHere, noAnswer, noByte, TransportError } from "../../src/http/errors.ts";
import type { Http, HttpAnswer, HttpRequest, HttpStream, StreamRequest } from "../../src/http/exchange.ts";
import type { FakeRequest, FakeResponse, Handler, ResponseStream } from "../fakes/http-server.ts";
import type { Process } from "./process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A server of the simulation. */
export interface Server {
  readonly handle: Handler;
  /** Refuses connections while true. */
  isDown: boolean;
}

/** What may go wrong with one request; drawn for each. `delayMs`: it comes late; `answerMs`: its response does. */
export type Mishap =
  | "lost before"
  | "lost after"
  | { readonly delayMs: number }
  | { readonly answerMs: number }
  | { readonly instead: FakeResponse };

/** A request that a server has handled. */
export interface Exchange {
  readonly from: Process;
  readonly request: HttpRequest;
  readonly response: FakeResponse;
  /** When the server handled it. */
  readonly handledMs: number;
}

export interface NetworkOptions {
  readonly time: VirtualTime;
  /** The latency of one direction, in milliseconds. */
  readonly latencyMs: () => number;
  /** What goes wrong with this request, if anything. */
  readonly mishap?: ((request: HttpRequest, from: Process) => Mishap | undefined) | undefined;
  /** Called right before a server handles a request that was sent then, and when it is handled. */
  readonly onArrival?: ((from: Process, sentMs: number) => void) | undefined;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
  /** Called right before the process gets the response. */
  readonly onDelivery?: ((exchange: Exchange) => void) | undefined;
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #servers = new Map<string, Server>();
  readonly #cut = new Set<string>();
  readonly #ids = new Map<Process, number>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  add(origin: string, server: Server): void {
    this.#servers.set(origin, server);
  }

  server(origin: string): Server {
    const found = this.#servers.get(origin);
    if (found === undefined) throw new Error(`there is no server ${origin}`);
    return found;
  }

  /** Drops everything between the process and the server until `heal`. */
  cut(process: Process, origin: string): void {
    this.#cut.add(this.#key(process, origin));
  }

  heal(process: Process, origin: string): void {
    this.#cut.delete(this.#key(process, origin));
  }

  isCut(process: Process, origin: string): boolean {
    return this.#cut.has(this.#key(process, origin));
  }

  #key(process: Process, origin: string): string {
    const id = this.#ids.get(process) ?? this.#ids.size;
    this.#ids.set(process, id);
    return `${id} ${origin}`;
  }

  /** The HTTP client of a process. */
  clientOf(process: Process): Http {
    return new ProcessHttp(this, process, this.#options);
  }
}

const RESET = (): TransportError =>
  new TransportError("connection closed by the other side", { code: "ECONNRESET" });

class ProcessHttp implements Http {
  readonly #network: Network;
  readonly #process: Process;
  readonly #options: NetworkOptions;
  /** What ends each exchange and each stream that is open. */
  readonly #open = new Set<(end: "closed" | "killed") => void>();
  #isClosed = false;

  constructor(network: Network, process: Process, options: NetworkOptions) {
    this.#network = network;
    this.#process = process;
    this.#options = options;
    process.ended.addEventListener("abort", () => this.#end("killed"), { once: true });
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    return this.#exchange(request, (response) => {
      if (response === "cut" || "start" in response) throw RESET();
      const { status, headers, body } = response;
      return { status, headers: this.#headers(headers), body: status === 204 ? "" : body };
    });
  }

  async stream(request: StreamRequest): Promise<HttpStream> {
    return this.#exchange(request, (response, left) => {
      if (response === "cut") throw RESET();
      const pipe = new Pipe(this.#process, this.#options, {
        left,
        idleMs: request.idleMs,
        isCut: () => this.#network.isCut(this.#process, request.url.origin),
      });
      if ("start" in response) response.start(pipe.server);
      else {
        pipe.server.write(response.body);
        pipe.server.end();
      }
      const onAbort = (): void => pipe.fail(abortError(request.signal));
      const onEnd = (end: "closed" | "killed"): void =>
        end === "killed" ? pipe.leave() : pipe.fail(closedHere());
      request.signal?.addEventListener("abort", onAbort, { once: true });
      this.#open.add(onEnd);
      pipe.server.onClose(() => {
        request.signal?.removeEventListener("abort", onAbort);
        this.#open.delete(onEnd);
      });
      const { status, headers } = response;
      return { status, headers: this.#headers(headers), chunks: pipe.chunks(), close: () => pipe.leave() };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#end("closed");
  }

  #end(how: "closed" | "killed"): void {
    for (const end of this.#open) end(how);
    this.#open.clear();
  }

  #headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    return { ...headers, date: new Date(this.#options.time.nowMs).toUTCString() };
  }

  /** Sends a request and resolves with what `read` makes of the response, in this process. */
  #exchange<Result>(
    request: HttpRequest,
    read: (response: FakeResponse, left: AbortController) => Result,
  ): Promise<Result> {
    const { time, latencyMs, mishap, onArrival, onExchange, onDelivery } = this.#options;
    const { signal, timeoutMs, url } = request;
    const process = this.#process;
    const sentMs = time.nowMs;
    const left = new AbortController();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(abortError(signal));
      if (this.#isClosed) return reject(closedHere());
      let isSettled = false;
      const settle = (how: () => void): void => {
        process.deliver(() => {
          if (isSettled) return;
          isSettled = true;
          cancelTimeout();
          signal?.removeEventListener("abort", onAbort);
          this.#open.delete(onEnd);
          how();
        });
      };
      const fail = (error: unknown): void => {
        settle(() => reject(error));
        left.abort();
      };
      const onAbort = (): void => fail(abortError(signal));
      const onEnd = (end: "closed" | "killed"): void =>
        end === "killed" ? left.abort() : fail(closedHere());
      const cancelTimeout = process.after(timeoutMs, () => fail(noAnswer(timeoutMs)));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#open.add(onEnd);
      const drawn = mishap?.(request, process);
      const late = typeof drawn === "object" ? drawn : { delayMs: 0 };
      const isCut = (): boolean => this.#network.isCut(process, url.origin);
      if (isCut()) return;
      time.after(latencyMs() + ("delayMs" in late ? late.delayMs : 0), () => {
        // A server does not begin with a request whose client has left.
        if (isCut() || left.signal.aborted) return;
        const server = this.#network.server(url.origin);
        if (server.isDown) return fail(new TransportError("connection refused", { code: "ECONNREFUSED" }));
        if (drawn === "lost before") return fail(RESET());
        onArrival?.(process, sentMs);
        const handled =
          "instead" in late
            ? Promise.resolve(late.instead)
            : server.handle(fakeRequest(request, left.signal));
        void handled.then((response) => {
          const exchange = { from: process, request, response, handledMs: time.nowMs };
          onExchange?.(exchange);
          time.after(latencyMs() + ("answerMs" in late ? late.answerMs : 0), () => {
            if (isCut()) return;
            if (drawn === "lost after") return fail(RESET());
            settle(() => {
              onDelivery?.(exchange);
              try {
                resolve(read(response, left));
              } catch (error) {
                reject(error);
              }
            });
          });
        }, fail);
      });
    });
  }
}

function fakeRequest({ method, url, headers, body = "" }: HttpRequest, left: AbortSignal): FakeRequest {
  const lower = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    typeof value === "string" ? value : value.join(", "),
  ]);
  return { method, path: url.pathname + url.search, headers: Object.fromEntries(lower), body, left };
}

/** A stream from a server to a process. */
class Pipe {
  readonly #process: Process;
  readonly #options: NetworkOptions;
  readonly #link: { readonly left: AbortController; readonly idleMs: number; readonly isCut: () => boolean };
  readonly #chunks: Buffer[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => undefined;
  #sentMs = 0;
  #cancelIdle: () => void = () => undefined;
  readonly #onClose: (() => void)[] = [];
  #isLeft = false;

  constructor(
    process: Process,
    options: NetworkOptions,
    link: { readonly left: AbortController; readonly idleMs: number; readonly isCut: () => boolean },
  ) {
    this.#process = process;
    this.#options = options;
    this.#link = link;
    this.#restartIdle();
  }

  readonly server: ResponseStream = {
    write: (data) =>
      this.#send(() => {
        this.#chunks.push(Buffer.from(data));
        this.#restartIdle();
      }),
    end: () => this.#send(() => (this.#end ??= {})),
    destroy: () => this.#send(() => (this.#end ??= { error: RESET() })),
    onClose: (callback) => void this.#onClose.push(callback),
    writableLength: 0,
  };

  async *chunks(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) yield chunk;
        else if (this.#end !== undefined) {
          if ("error" in this.#end) throw this.#end.error;
          return;
        } else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.leave();
    }
  }

  /** Ends the stream on this side. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
    this.leave();
  }

  /** The client is gone. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#cancelIdle();
    this.#link.left.abort();
    for (const callback of this.#onClose) callback();
  }

  /** In order, and late rather than never while the connection is cut: TCP sends it again. */
  #send(arrive: () => void): void {
    const { time, latencyMs } = this.#options;
    const atMs = Math.max(this.#sentMs, time.nowMs + latencyMs());
    this.#sentMs = atMs;
    const deliver = (): void => {
      if (this.#isLeft) return;
      if (this.#link.isCut()) return void time.after(1_000, deliver);
      this.#process.deliver(() => {
        arrive();
        this.#wake();
      });
    };
    time.after(atMs - time.nowMs, deliver);
  }

  #restartIdle(): void {
    this.#cancelIdle();
    const { idleMs } = this.#link;
    if (idleMs > 0) this.#cancelIdle = this.#process.after(idleMs, () => this.fail(noByte(idleMs)));
  }
}
