// HTTP/1.1 with kept-alive connections and a deadline on every request; the transport under both APIs.
// Why not fetch: client certificates, one idle timer per stream, and a third of the processor time per request.

import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Env } from "./env.ts";

export interface TlsOptions {
  readonly ca?: string | Buffer | readonly string[] | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface ConnectionOptions {
  readonly tls?: TlsOptions | undefined;
  /** The variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as far as they shall count. */
  readonly proxyEnv?: Env | undefined;
  /** Connections at once. */
  readonly maxSockets?: number | undefined;
  /** An agent made elsewhere (SOCKS proxies), in place of our own. */
  readonly agent?: http.Agent | undefined;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | undefined;
  /** Milliseconds until the whole answer must be there; for a stream: until its headers. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: AsyncIterable<Buffer>;
}

/** The connection failed, or the deadline passed; nothing is known of what the server did. */
export class TransportError extends Error {
  /** Node's code, such as ECONNREFUSED, or ETIMEDOUT for our own deadline. */
  readonly code: string;
  /** The request went over a kept connection that the server had closed meanwhile. */
  readonly staleConnection: boolean;

  constructor(message: string, details: { code: string; staleConnection?: boolean; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.name = "TransportError";
    this.code = details.code;
    this.staleConnection = details.staleConnection ?? false;
  }
}

const KEEP_ALIVE_MS = 30_000;

/** Finds its connections by host and port: Node would put the certificates, kilobytes that never differ here, into the name. */
function securePool(options: https.AgentOptions): https.Agent {
  const pool = new https.Agent(options);
  pool.getName = (place) => `${place?.host}:${String(place?.port)}`;
  return pool;
}

/** One pool of connections to one place. */
export class HttpClient {
  readonly #agent: http.Agent;
  readonly #send: typeof http.request;

  constructor(origin: URL, options: ConnectionOptions = {}) {
    const secure = origin.protocol === "https:";
    const pool = {
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      maxSockets: options.maxSockets ?? 32,
      scheduling: "lifo" as const,
      ...(options.proxyEnv === undefined ? {} : { proxyEnv: { ...options.proxyEnv } }),
    };
    this.#send = secure ? https.request : http.request;
    this.#agent =
      options.agent ?? (secure ? securePool({ ...pool, ...tlsOf(options.tls ?? {}) }) : new http.Agent(pool));
  }

  /** The whole answer as text, whatever its status. Throws TransportError. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const { signal, timeoutMs } = request;
    if (signal?.aborted === true) return Promise.reject(abortReason(signal));
    // Events and one timer: an AbortController and an async iterator per request cost more than the request.
    return new Promise((resolve, reject) => {
      const outgoing = this.#send(request.url, this.#sending(request));
      const settled = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      };
      const fail = (error: unknown, reused = false): void => {
        settled();
        reject(transportError(error, reused));
      };
      const giveUp = (error: Error): void => {
        fail(error);
        outgoing.destroy(error);
      };
      const abort = (): void => giveUp(abortError(signal));
      const timer = setTimeout(() => giveUp(noAnswer(timeoutMs)), timeoutMs);
      signal?.addEventListener("abort", abort, { once: true });
      outgoing.on("error", (error) => fail(error, outgoing.reusedSocket));
      outgoing.once("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.on("error", (error) => fail(error));
        response.once("end", () => {
          settled();
          resolve(answerOf(response, body));
        });
      });
      outgoing.end(request.body);
    });
  }

  /** Headers now, chunks as they come; the stream breaks after `idleMs` without a byte. */
  async stream(request: HttpRequest & { readonly idleMs: number }): Promise<HttpStream> {
    const deadline = this.#deadline(request);
    try {
      const response = await this.#open(request, request.signal ?? deadline.signal, deadline.signal);
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        chunks: chunksOf(response, request.idleMs),
      };
    } catch (error) {
      throw deadline.explain(error);
    } finally {
      deadline.end();
    }
  }

  close(): void {
    this.#agent.destroy();
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

/** Why a signal aborted, as an error. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException("aborted", "AbortError");
}

/** As Node's own, whatever the reason: who aborted knows it. */
function abortError(signal: AbortSignal | undefined): Error {
  return new DOMException("aborted", { name: "AbortError", cause: signal?.reason });
}

/** Its headers are read when somebody asks for them: hardly anybody does. */
function answerOf(response: IncomingMessage, body: string): HttpAnswer {
  return {
    status: response.statusCode ?? 0,
    body,
    get headers() {
      return response.headers;
    },
  };
}

function noAnswer(timeoutMs: number): TransportError {
  return new TransportError(`no answer within ${timeoutMs / 1_000} s`, { code: "ETIMEDOUT" });
}

async function* chunksOf(response: IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  const { socket } = response;
  const giveUp = (): void => {
    response.destroy(new TransportError(`no byte for ${idleMs / 1_000} s`, { code: "ETIMEDOUT" }));
  };
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

function transportError(error: unknown, reused: boolean): unknown {
  if (!(error instanceof Error) || error instanceof TransportError || error.name === "AbortError")
    return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const stale = reused && (code === "ECONNRESET" || code === "EPIPE");
  return new TransportError(messageOf(error, code), { code, staleConnection: stale, cause: error });
}

function messageOf(error: Error, code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "host not found";
    case "ECONNRESET":
    case "EPIPE":
      return "connection closed by the other side";
    case "ETIMEDOUT":
      return "connection timed out";
    default:
      // Node's advice about its own options means nothing to whom an executable was given.
      return error.message === ""
        ? code
        : error.message.replace(/; if the root CA is installed locally.*$/s, "");
  }
}

/** An IP address cannot be sent as the server's name; the certificate is held against it all the same. */
function tlsOf({ servername = "", ...tls }: TlsOptions): https.AgentOptions {
  const defined = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
  if (servername === "") return defined;
  if (isIP(servername) === 0) return { ...defined, servername };
  return {
    ...defined,
    servername: "",
    checkServerIdentity: (_, cert) => checkServerIdentity(servername, cert),
  };
}
