// Sends requests to the API server: URL, credentials, timeout, retry after a 401 or a stale connection.

import type { Clock } from "../../base/clock.ts";
import { jsonIn, objectIn } from "../../base/json.ts";
import type { Credentials, Headers } from "../auth/identity.ts";
import type { Http, HttpAnswer, HttpRequest, HttpStream } from "../../http/exchange.ts";
import { overFreshConnection, TransportError } from "../../http/errors.ts";
import { hasHtmlType } from "../../http/web-page.ts";
import { retryAfterMs } from "../../http/retry-after.ts";
import { connectionError, KubeError, isStatus, kubeErrorOf, unreadable } from "./errors.ts";
import { readList } from "./read-list.ts";

export interface TransportOptions {
  readonly server: string;
  readonly http: Http;
  readonly credentials: Credentials;
  readonly timeoutMs: number;
  /** Whether the whole of a list must come within timeoutMs, as with kubectl's --request-timeout. */
  readonly limitsBodies?: boolean | undefined;
  /** With it a read waits and is sent again when the server says when, or has closed the connection, as in client-go. */
  readonly clock?: Pick<Clock, "sleep"> | undefined;
  readonly userAgent: string;
  /** As `disable-compression` in a kubeconfig: answers come as they are. */
  readonly disableCompression?: boolean | undefined;
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
  /** The Accept header; default: application/json. */
  readonly accept?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Error statuses that are returned instead of thrown. */
  readonly expect?: readonly number[];
  /** A field that the answer has, unless something before the API server has answered. */
  readonly mustHave?: string;
}

type Send<A> = (request: HttpRequest) => Promise<A>;

/** How often a read is sent again when the server says so, after at most so many milliseconds. */
const MAX_REPEATS = 5;
const MAX_WAIT_MS = 10_000;
/** The same after a connection that broke. */
const MAX_REPEATS_AFTER_BREAK = 2;
const AFTER_BREAK_MS = 1_000;
/** Of an error's body so many bytes are read. */
const MAX_ERROR = 64 * 1024;

/** Kubernetes before 1.21 serves PodDisruptionBudgets only as policy/v1beta1. */
const CURRENT = "/apis/policy/v1/";
const OLDER = "/apis/policy/v1beta1/";
/** The 404 for an API version that is not served: plain text, or a Status in Kubernetes 1.20. A missing object is named. */
const NOT_SERVED = /^404 page not found|"message":"the server could not find the requested resource"/;

/** Throws KubeError for every status that is neither 2xx nor expected. */
export class Transport {
  readonly #options: TransportOptions;
  #usesOlder = false;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  send(call: Call): Promise<HttpAnswer> {
    return this.#answer(call, (request) => this.#options.http.request(request));
  }

  /** The JSON of the answer; undefined for an expected error status. */
  async json(call: Call): Promise<unknown> {
    const answer = await this.send(call);
    return answer.status >= 400 ? undefined : parsed(call, answer);
  }

  /** Calls `onObject` with each object of the list as it arrives, and returns the list without them. */
  async list(call: Call, onObject: (object: unknown) => void): Promise<unknown> {
    const { timeoutMs: idleMs, limitsBodies: limitsBody } = this.#options;
    const answer = await this.#answer(call, (request) =>
      this.#options.http.stream({ ...request, idleMs, limitsBody }),
    );
    const read = (body: string): unknown => parsed(call, { ...answer, body });
    try {
      const rest = await readList(answer.chunks, (json) => onObject(read(json)));
      return parsed({ ...call, mustHave: "items" }, { ...answer, body: rest });
    } catch (error) {
      if (error instanceof KubeError) throw error;
      throw connectionError(call.action, this.#options.server, error);
    }
  }

  stream(call: Call, idleMs: number): Promise<HttpStream> {
    return this.#answer(call, (request) => this.#options.http.stream({ ...request, idleMs }));
  }

  async #answer<A extends HttpAnswer | HttpStream>(call: Call, send: Send<A>): Promise<A> {
    const path = this.#usesOlder ? call.path.replace(CURRENT, OLDER) : call.path;
    const answer = await this.#attempt({ ...call, path }, send);
    if (isSuccess(answer)) return hasKind(call, answer);
    const body = "body" in answer ? answer.body : await beginningOf(answer.chunks);
    if (answer.status === 404 && NOT_SERVED.test(body)) {
      if (path.startsWith(CURRENT)) {
        this.#usesOlder = true;
        return this.#answer(call, send);
      }
      // If neither is served, it was a gateway that answered.
      if (path.startsWith(OLDER)) this.#usesOlder = false;
    }
    // A gateway before the API server knows nothing of objects; the log of a pod is the kubelet's.
    const isKnown = "close" in answer || isStatus(body);
    if (isKnown && !hasHtmlType(answer.headers) && call.expect?.includes(answer.status) === true)
      return answer;
    throw kubeErrorOf(call.action, { ...answer, body });
  }

  async #attempt<A extends HttpAnswer | HttpStream>(call: Call, send: Send<A>): Promise<A> {
    const { clock, credentials, server, timeoutMs } = this.#options;
    // Repeating a GET is safe.
    const isSafe = METHODS[call.verb] === "GET";
    const repeats = isSafe && clock !== undefined ? MAX_REPEATS : 0;
    const until = this.#options.nowMs() + timeoutMs;
    const isInTime = (ms: number): boolean => this.#options.nowMs() + ms < until;
    for (let attempt = 0; ; attempt++) {
      const startedMs = this.#options.nowMs();
      let waitMs = 0;
      try {
        const request = await this.#request(call);
        const answer = await (isSafe ? overFreshConnection(() => send(request)) : send(request));
        this.#reportRequest(call, startedMs, answer);
        const isRenewed = answer.status === 401 && attempt === 0 && credentials.refresh();
        waitMs = Math.min((isBusy(answer) && retryAfterMs(answer.headers)) || 0, MAX_WAIT_MS);
        const isRepeated = waitMs > 0 && attempt < repeats && isInTime(waitMs);
        if (!isRenewed && !isRepeated) return answer;
        if ("close" in answer) answer.close();
      } catch (error) {
        if (call.signal?.aborted === true) throw error;
        this.#reportRequest(call, startedMs);
        const isCut = error instanceof TransportError && error.code === "ECONNRESET";
        const isRepeated = attempt < Math.min(repeats, MAX_REPEATS_AFTER_BREAK) && isInTime(AFTER_BREAK_MS);
        if (!isCut || !isRepeated) throw connectionError(call.action, server, error);
        waitMs = AFTER_BREAK_MS;
      }
      if (waitMs > 0) await clock?.sleep(waitMs, call.signal);
      call.signal?.throwIfAborted();
    }
  }

  async #request({ verb, path, query = {}, ...call }: Call): Promise<HttpRequest> {
    const { server, userAgent, disableCompression, credentials, timeoutMs } = this.#options;
    const url = new URL(server + path);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
    }
    // As kubectl does: thousands of objects resemble each other.
    const isCompressed = verb === "list" && disableCompression !== true;
    const headers: Headers = {
      accept: call.accept ?? "application/json",
      "user-agent": userAgent,
      ...(isCompressed && { "accept-encoding": "gzip" }),
      ...(await credentials.headers()),
    };
    const { body, signal } = call;
    const type = verb === "patch" ? "application/merge-patch+json" : "application/json";
    if (body !== undefined) headers["content-type"] = type;
    return { method: METHODS[verb], url, headers, body, timeoutMs, signal };
  }

  #reportRequest({ verb, resource }: Call, startedMs: number, answer?: HttpAnswer | HttpStream): void {
    const ms = this.#options.nowMs() - startedMs;
    const { status = 0, headers } = answer ?? {};
    this.#options.onRequest?.({ verb, resource, status, ms, date: headers?.date });
  }

  close(): void {
    this.#options.http.close();
  }
}

function parsed({ action, mustHave }: Call, answer: HttpAnswer): unknown {
  const value = jsonIn(answer.body);
  if (value === undefined || (mustHave !== undefined && !(mustHave in objectIn(value))))
    throw unreadable(action, answer);
  return value;
}

/** Whether the server has too much to do now. */
function isBusy({ status }: HttpAnswer | HttpStream): boolean {
  return status === 429 || status >= 500;
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

/** A web page never is, whatever its status: it comes from something before the API server. */
function isSuccess({ status, headers }: HttpAnswer | HttpStream): boolean {
  return status >= 200 && status < 300 && !hasHtmlType(headers);
}

/** What the API server has written has a kind. Throws KubeError for the answer to a change without one: it is not the server's. */
function hasKind<A extends HttpAnswer | HttpStream>({ verb, action }: Call, answer: A): A {
  if (METHODS[verb] === "GET" || "close" in answer || /"kind"\s*:/.test(answer.body)) return answer;
  throw unreadable(action, answer);
}
