// HTTP/1.1 with kept-alive connections and a deadline on every request; the transport under both APIs.
// Why not fetch: client certificates, one idle timer per stream, and a third of the processor time per request.

import http from "node:http";
import https from "node:https";
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
      options.agent ??
      (secure ? new https.Agent({ ...pool, ...definedOnly(options.tls ?? {}) }) : new http.Agent(pool));
  }

  /** The whole answer as text, whatever its status. Throws TransportError. */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = this.#deadline(request);
    try {
      const response = await this.#open(request, deadline.signal);
      const parts: Buffer[] = [];
      for await (const chunk of response) parts.push(chunk as Buffer);
      const body = parts.length === 1 ? String(parts[0]) : Buffer.concat(parts).toString("utf8");
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    } catch (error) {
      throw deadline.explain(error);
    } finally {
      deadline.end();
    }
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
      const { url, method } = request;
      const headers: Record<string, string | readonly string[] | number> = { ...request.headers };
      if (request.body !== undefined) headers["content-length"] = Buffer.byteLength(request.body);
      const outgoing = this.#send(url, {
        method,
        headers: headers as http.OutgoingHttpHeaders,
        agent: this.#agent,
        signal,
      });
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
      explain: (error) =>
        timedOut
          ? new TransportError(`no answer within ${request.timeoutMs / 1_000} s`, { code: "ETIMEDOUT" })
          : transportError(error, false),
    };
  }
}

/** Why a signal aborted, as an error. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException("aborted", "AbortError");
}

async function* chunksOf(response: IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  response.socket.setTimeout(idleMs, () => {
    response.destroy(new TransportError(`no byte for ${idleMs / 1_000} s`, { code: "ETIMEDOUT" }));
  });
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw transportError(error, false);
  } finally {
    response.socket?.setTimeout(0);
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
      return error.message === "" ? code : error.message;
  }
}

function definedOnly(options: TlsOptions): https.AgentOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
