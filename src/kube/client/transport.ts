// One request to the API server: address, credentials, deadline, one more try after a 401 or a stale connection.

import type { Credentials } from "../auth/identity.ts";
import type { HttpAnswer, HttpStream } from "../../http/exchange.ts";
import type { HttpClient } from "../../http/client.ts";
import { TransportError } from "../../http/errors.ts";
import { connectionError, kubeErrorOf } from "./errors.ts";
import { ApiFallback } from "./api-fallback.ts";

export interface TransportOptions {
  readonly server: string;
  readonly http: HttpClient;
  readonly credentials: Credentials;
  /** Milliseconds for an answer. */
  readonly timeoutMs: number;
  readonly userAgent: string;
  /** Told of every request, for metrics: verb, resource, status (0: no answer), milliseconds. */
  readonly onRequest?: ((seen: SeenRequest) => void) | undefined;
  readonly nowMs: () => number;
}

export interface SeenRequest {
  readonly verb: string;
  readonly resource: string;
  readonly status: number;
  readonly ms: number;
  /** The answer's Date header: what time it is there. */
  readonly date?: string | undefined;
}

export interface Call {
  /** What is attempted; reads after "cannot". */
  readonly action: string;
  readonly verb: string;
  readonly resource: string;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** What is answered; JSON of the whole when nothing is said. */
  readonly accept?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Statuses that are answers here, not errors. */
  readonly expect?: readonly number[];
}

/** Sends calls; every status that is neither 2xx nor expected becomes a KubeError. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #base: string;
  readonly #older = new ApiFallback();
  #last: { readonly address: string; readonly url: URL } | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = options.server;
  }

  async send(call: Call): Promise<HttpAnswer> {
    const path = this.#older.pathOf(call.path);
    const asked = path === call.path ? call : { ...call, path };
    const answer = await this.#attempt(asked, (request) => this.#options.http.request(request));
    if (this.#older.learn(path, answer)) return this.send(call);
    if (isFine(answer.status, call)) return answer;
    throw kubeErrorOf(call.action, answer);
  }

  async stream(call: Call, idleMs: number): Promise<HttpStream> {
    const answer = await this.#attempt(call, (request) => this.#options.http.stream({ ...request, idleMs }));
    if (isFine(answer.status, call)) return answer;
    const parts: Buffer[] = [];
    for await (const chunk of answer.chunks) parts.push(chunk);
    throw kubeErrorOf(call.action, { ...answer, body: Buffer.concat(parts).toString("utf8") });
  }

  async #attempt<A extends HttpAnswer | HttpStream>(
    call: Call,
    go: (request: Parameters<HttpClient["request"]>[0]) => Promise<A>,
  ): Promise<A> {
    for (let tries = 0; ; tries++) {
      const startedMs = this.#options.nowMs();
      try {
        const answer = await go(await this.#request(call));
        this.#seen(call, startedMs, answer);
        if (answer.status !== 401 || tries > 0 || !this.#options.credentials.refresh()) return answer;
        if ("close" in answer) answer.close();
      } catch (error) {
        if (call.signal?.aborted === true) throw error;
        this.#seen(call, startedMs);
        const stale = error instanceof TransportError && error.staleConnection;
        // A server that closes an idle connection says nothing of the request; reading again is harmless.
        if (!stale || call.method !== "GET" || tries > 2) {
          throw connectionError(call.action, this.#options.server, error);
        }
      }
    }
  }

  /** The Jobs of a burst go to one place, and each reading of its address would take as long as half of its sending. */
  #urlOf(call: Call): URL {
    let address = this.#base + call.path;
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined && value !== "") query.set(key, String(value));
    }
    if (query.size > 0) address += `?${query.toString()}`;
    if (this.#last?.address !== address) this.#last = { address, url: new URL(address) };
    return this.#last.url;
  }

  async #request(call: Call): Promise<Parameters<HttpClient["request"]>[0]> {
    const url = this.#urlOf(call);
    const headers: Record<string, string | readonly string[]> = {
      accept: call.accept ?? "application/json",
      "user-agent": this.#options.userAgent,
      ...(await this.#options.credentials.headers()),
    };
    if (call.body !== undefined) headers["content-type"] = call.contentType ?? "application/json";
    return {
      method: call.method,
      url,
      headers,
      body: call.body,
      timeoutMs: this.#options.timeoutMs,
      signal: call.signal,
    };
  }

  #seen(call: Call, startedMs: number, answer?: Pick<HttpAnswer, "status" | "headers">): void {
    const ms = this.#options.nowMs() - startedMs;
    const { verb, resource } = call;
    this.#options.onRequest?.({
      verb,
      resource,
      status: answer?.status ?? 0,
      ms,
      get date() {
        return answer?.headers.date;
      },
    });
  }

  close(): void {
    this.#options.http.close();
  }
}

function isFine(status: number, call: Call): boolean {
  return (status >= 200 && status < 300) || (call.expect ?? []).includes(status);
}
