// Sends requests to the API server: URL, credentials, timeout, retry after a 401 or a stale connection.

import type { Credentials } from "../auth/identity.ts";
import type { Http, HttpAnswer, HttpRequest, HttpStream } from "../../http/exchange.ts";
import { TransportError } from "../../http/errors.ts";
import { hasHtmlType } from "../../http/web-page.ts";
import { connectionError, kubeErrorOf, unreadable } from "./errors.ts";
import { ApiFallback } from "./api-fallback.ts";
import { readList } from "./read-list.ts";

export interface TransportOptions {
  readonly server: string;
  readonly http: Http;
  readonly credentials: Credentials;
  /** Response timeout. */
  readonly timeoutMs: number;
  readonly userAgent: string;
  /** Called after every request, for metrics. */
  readonly onRequest?: ((request: CompletedRequest) => void) | undefined;
  readonly nowMs: () => number;
}

export interface CompletedRequest {
  readonly verb: string;
  readonly resource: string;
  /** HTTP status; 0: no response. */
  readonly status: number;
  readonly ms: number;
  /** The Date header: the server's time. */
  readonly date?: string | undefined;
}

const METHODS = {
  get: "GET",
  list: "GET",
  watch: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
} as const;

export interface Call {
  /** Follows "cannot" in error messages. */
  readonly action: string;
  readonly verb: keyof typeof METHODS;
  readonly resource: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** The Accept header; default: application/json. */
  readonly accept?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Error statuses that are returned instead of thrown. */
  readonly expect?: readonly number[];
}

/** Of an error's body so many bytes are read. */
const MAX_ERROR = 64 * 1024;

/** Throws KubeError for every status that is neither 2xx nor expected. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #server: string;
  readonly #fallback = new ApiFallback();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#server = options.server;
  }

  async send(call: Call): Promise<HttpAnswer> {
    const path = this.#fallback.pathOf(call.path);
    const answer = await this.#attempt({ ...call, path }, (request) => this.#options.http.request(request));
    if (this.#fallback.switchAfter(path, answer)) return this.send(call);
    if (isExpected(answer, call)) return answer;
    throw kubeErrorOf(call.action, answer);
  }

  /** The JSON of the answer; undefined for an expected error status. */
  async json(call: Call): Promise<unknown> {
    const answer = await this.send(call);
    if (answer.status >= 400) return undefined;
    try {
      return JSON.parse(answer.body) as unknown;
    } catch {
      throw unreadable(call.action, answer);
    }
  }

  /** Calls `onObject` with each object of the list as it arrives, and returns the list without them. */
  async list(call: Call, onObject: (object: unknown) => void): Promise<unknown> {
    const answer = await this.stream(call, this.#options.timeoutMs);
    const parsed = (json: string): unknown => {
      try {
        return JSON.parse(json) as unknown;
      } catch {
        throw unreadable(call.action, { ...answer, body: json });
      }
    };
    try {
      return parsed(await readList(answer.chunks, (json) => onObject(parsed(json))));
    } catch (error) {
      throw connectionError(call.action, this.#server, error);
    }
  }

  async stream(call: Call, idleMs: number): Promise<HttpStream> {
    const path = this.#fallback.pathOf(call.path);
    const answer = await this.#attempt({ ...call, path }, (request) =>
      this.#options.http.stream({ ...request, idleMs }),
    );
    if (isExpected(answer, call)) return answer;
    const failure = { ...answer, body: await beginningOf(answer.chunks) };
    if (this.#fallback.switchAfter(path, failure)) return this.stream(call, idleMs);
    throw kubeErrorOf(call.action, failure);
  }

  async #attempt<A extends HttpAnswer | HttpStream>(
    call: Call,
    send: (request: HttpRequest) => Promise<A>,
  ): Promise<A> {
    for (let attempt = 0; ; attempt++) {
      const startedMs = this.#options.nowMs();
      try {
        const answer = await send(await this.#request(call));
        this.#reportRequest(call, startedMs, answer);
        if (answer.status !== 401 || attempt > 0 || !this.#options.credentials.refresh()) return answer;
        if ("close" in answer) answer.close();
      } catch (error) {
        if (call.signal?.aborted === true) throw error;
        this.#reportRequest(call, startedMs);
        const stale = error instanceof TransportError && error.staleConnection;
        // The server may have closed an idle connection; repeating a GET is safe.
        if (!stale || METHODS[call.verb] !== "GET" || attempt > 2) {
          throw connectionError(call.action, this.#options.server, error);
        }
      }
    }
  }

  #urlOf({ path, query = {} }: Call): URL {
    const url = new URL(this.#server + path);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
    }
    return url;
  }

  async #request(call: Call): Promise<HttpRequest> {
    const url = this.#urlOf(call);
    const headers: Record<string, string | readonly string[]> = {
      accept: call.accept ?? "application/json",
      "user-agent": this.#options.userAgent,
      ...(await this.#options.credentials.headers()),
    };
    if (call.body !== undefined) headers["content-type"] = call.contentType ?? "application/json";
    return {
      method: METHODS[call.verb],
      url,
      headers,
      body: call.body,
      timeoutMs: this.#options.timeoutMs,
      signal: call.signal,
    };
  }

  #reportRequest(call: Call, startedMs: number, answer?: Pick<HttpAnswer, "status" | "headers">): void {
    const ms = this.#options.nowMs() - startedMs;
    const { verb, resource } = call;
    this.#options.onRequest?.({
      verb,
      resource,
      status: answer?.status ?? 0,
      ms,
      date: answer?.headers.date,
    });
  }

  close(): void {
    this.#options.http.close();
  }
}

async function beginningOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > MAX_ERROR) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

/** A web page is never expected, whatever its status: it comes from something before the API server. */
function isExpected({ status, headers }: Pick<HttpAnswer, "status" | "headers">, call: Call): boolean {
  if (hasHtmlType(headers)) return false;
  return (status >= 200 && status < 300) || (call.expect ?? []).includes(status);
}
