// HTTP/1.1 with kept-alive connections and a deadline on every request; the transport under both APIs.
// Why not fetch: client certificates, one idle timer per stream, and a third of the processor time per request.

import http from "node:http";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import { abortReason, noAnswer, noByte, transportError } from "./errors.ts";
import { connector, KEEP_ALIVE_MS } from "./connector.ts";
import { KeptConnections } from "./kept-connections.ts";
import { Streams } from "./streams.ts";
import type { StreamRequest } from "./streams.ts";
import { tlsOf } from "./tls.ts";
import type { ConnectionOptions, HttpAnswer, HttpRequest, HttpStream } from "./exchange.ts";

/** Finds its connections by host and port: Node would put the certificates, kilobytes that never differ here, into the name. */
function securePool(options: https.AgentOptions): https.Agent {
  const pool = new https.Agent(options);
  pool.getName = (place) => `${place?.host}:${String(place?.port)}`;
  return pool;
}

/** One pool of connections to one place. */
export class HttpClient {
  readonly #kept: KeptConnections | undefined;
  readonly #streams: Streams | undefined;
  readonly #agent: http.Agent;
  readonly #send: typeof http.request;

  constructor(origin: URL, options: ConnectionOptions = {}) {
    const secure = origin.protocol === "https:";
    const atMost = options.maxSockets ?? 32;
    const tls = options.tls ?? {};
    const isDirect = options.agent === undefined && options.proxyEnv === undefined;
    const connect = isDirect ? connector(origin, tls) : undefined;
    this.#kept = connect && new KeptConnections(origin, { connect, atMost });
    this.#streams = connect && new Streams(connect);
    const pool = {
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      maxSockets: atMost,
      scheduling: "lifo" as const,
      ...(options.proxyEnv === undefined ? {} : { proxyEnv: { ...options.proxyEnv } }),
    };
    this.#send = secure ? https.request : http.request;
    this.#agent = options.agent ?? (secure ? securePool({ ...pool, ...tlsOf(tls) }) : new http.Agent(pool));
  }

  /** The whole answer as text, whatever its status. Throws TransportError. */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { signal } = request;
    if (signal?.aborted === true) throw abortReason(signal);
    return this.#kept?.carries(request) === true ? this.#kept.request(request) : this.#throughNode(request);
  }

  /** Headers now, chunks as they come; the stream breaks after `idleMs` without a byte. Throws TransportError, as its chunks do. */
  async stream(request: StreamRequest): Promise<HttpStream> {
    const { signal } = request;
    if (signal?.aborted === true) throw abortReason(signal);
    if (this.#streams !== undefined && this.#kept?.carries(request) === true)
      return this.#streams.open(request);
    return this.#streamThroughNode(request);
  }

  close(): void {
    this.#kept?.close();
    this.#streams?.close();
    this.#agent.destroy();
  }

  /** By way of proxies and of agents made elsewhere. */
  async #throughNode(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = this.#deadline(request);
    try {
      const response = await this.#open(request, deadline.signal);
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      const body = Buffer.concat(parts).toString("utf8");
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    } catch (error) {
      throw deadline.explain(error);
    } finally {
      deadline.end();
    }
  }

  async #streamThroughNode(request: StreamRequest): Promise<HttpStream> {
    const deadline = this.#deadline(request);
    try {
      const response = await this.#open(request, request.signal ?? deadline.signal, deadline.signal);
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        chunks: chunksOf(response, request.idleMs),
        close: () => void response.destroy(),
      };
    } catch (error) {
      throw deadline.explain(error);
    } finally {
      deadline.end();
    }
  }

  #open(request: HttpRequest, signal: AbortSignal, until?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortReason(signal));
      const outgoing = this.#send(request.url, { ...this.#sending(request), signal });
      const giveUp = (): void => void outgoing.destroy(abortReason(until ?? signal));
      until?.addEventListener("abort", giveUp, { once: true });
      outgoing.once("response", (response) => {
        until?.removeEventListener("abort", giveUp);
        resolve(response);
      });
      outgoing.once("error", (error: NodeJS.ErrnoException) => {
        until?.removeEventListener("abort", giveUp);
        reject(transportError(error, outgoing.reusedSocket));
      });
      outgoing.end(request.body);
    });
  }

  #sending(request: HttpRequest): http.RequestOptions {
    const headers: Record<string, string | readonly string[] | number> = { ...request.headers };
    if (request.body !== undefined) headers["content-length"] = Buffer.byteLength(request.body);
    return { method: request.method, headers: headers as http.OutgoingHttpHeaders, agent: this.#agent };
  }

  #deadline(request: HttpRequest): { signal: AbortSignal; end(): void; explain(error: unknown): unknown } {
    const controller = new AbortController();
    const pass = (): void => controller.abort(abortReason(request.signal));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      controller.abort();
    }, request.timeoutMs);
    request.signal?.addEventListener("abort", pass, { once: true });
    if (request.signal?.aborted === true) pass();
    return {
      signal: controller.signal,
      end: () => {
        clearTimeout(timer);
        request.signal?.removeEventListener("abort", pass);
      },
      explain: (error) => (timedOut ? noAnswer(request.timeoutMs) : transportError(error, false)),
    };
  }
}

async function* chunksOf(response: IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  const { socket } = response;
  const giveUp = (): void => void response.destroy(noByte(idleMs));
  socket.setTimeout(idleMs, giveUp);
  // Here and no later: by the time that our reader has noticed the end, the connection may be carrying another stream.
  response.once("end", () => socket.setTimeout(0, giveUp));
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw transportError(error, false);
  } finally {
    response.destroy();
  }
}
