// GraphQL requests to a Prefect 1 API, in the form of Prefect's own client: `variables` are encoded twice.

import { GraphQLClient } from "graphql-request";
import { overFreshConnection } from "../http/errors.ts";
import type { Http, HttpAnswer } from "../http/exchange.ts";
import { objectIn, parseJson, type JsonObject } from "../base/json.ts";
import { notPrefectError, PrefectError } from "../orchestrator/errors.ts";
import { HINTS, prefectError } from "./errors.ts";
import type { Query } from "./queries.ts";
import { CORE_VERSION } from "./states.ts";

export interface GraphqlOptions {
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Response timeout; Prefect's default (cloud.request_timeout) is 15 s. */
  readonly timeoutMs: number;
  readonly http: Pick<Http, "request" | "close">;
  /** Default: performance.now(). */
  readonly nowMs?: (() => number) | undefined;
  /** Called after every request, for metrics. */
  readonly onRequest?: ((operation: CompletedOperation) => void) | undefined;
}

export interface CompletedOperation {
  readonly operation: string;
  /** HTTP status; 0: no response. A 200 can contain GraphQL errors. */
  readonly status: number;
  readonly ms: number;
  /** The Date header: the server's time. */
  readonly date?: string | undefined;
  /** The API did not accept the key. */
  readonly isRefused?: boolean | undefined;
}

/** How long to wait after a 429 that does not say, and for the answer of the request that asks whether the limit is over. */
const LIMITED_MS = 5_000;

/** Throws PrefectError. */
export class Graphql {
  readonly url: string;
  /** Sent with every request once it is known, as the agent's id. */
  tenantId: string | undefined;
  agentId: string | undefined;
  /** While the API answers 429: what it has said, and until when nothing is sent; then one request asks whether it is over. */
  #limited: { readonly untilMs: number; readonly detail: string } | undefined;
  readonly #options: GraphqlOptions;
  readonly #target: URL;

  constructor(options: GraphqlOptions) {
    this.#options = options;
    this.url = options.url.replace(/\/+$/, "");
    this.#target = new URL(this.url);
    this.tenantId = options.tenantId;
  }

  /** The rows of the only table that the query asks for. */
  async rows(query: Query, variables?: JsonObject, signal?: AbortSignal): Promise<readonly JsonObject[]> {
    const [table] = Object.values(await this.request(query, variables, signal));
    // Anything else says nothing of the rows: a run that is not there counts as deleted.
    if (!Array.isArray(table)) throw this.#notPrefect(query.action);
    return table.map(objectIn);
  }

  /** The only object that the query or mutation asks for. */
  async object(query: Query, variables?: JsonObject, signal?: AbortSignal): Promise<JsonObject> {
    const [found] = Object.values(await this.request(query, variables, signal));
    if (typeof found !== "object" || found === null) throw this.#notPrefect(query.action);
    return objectIn(found);
  }

  async request(query: Query, variables?: JsonObject, signal?: AbortSignal): Promise<JsonObject> {
    const { action, name } = query;
    const document = typeof query.document === "string" ? query.document : query.document(variables ?? {});
    const { nowMs = () => performance.now() } = this.#options;
    const startedMs = nowMs();
    this.#keepToLimit(action, startedMs);
    let answer: HttpAnswer | undefined;
    let isRefused = false;
    const client = new GraphQLClient(this.url, {
      // A document is not parsed for its operation's name, which the API does not need.
      excludeOperationName: true,
      jsonSerializer: SERIALIZER,
      fetch: async (_url, init) => {
        const send = (): Promise<HttpAnswer> => this.#post(init?.body as string, signal);
        // A query can be sent again.
        answer = await (/^\s*mutation\b/.test(document) ? send() : overFreshConnection(send));
        return responseOf(answer);
      },
    });
    try {
      const { data } = await client.rawRequest<JsonObject | null>(document, variables);
      if (data === null || data === undefined) throw this.#notPrefect(action);
      this.#limited = undefined;
      return data;
    } catch (error) {
      const hasKey = (this.#options.apiKey ?? "") !== "";
      const failure = prefectError(action, { url: this.url, hasKey, answer }, error);
      isRefused = failure instanceof PrefectError && failure.failure === "unauthorized";
      if (answer?.status === 429 && failure instanceof PrefectError)
        this.#limited = { untilMs: nowMs() + (failure.retryAfterMs ?? LIMITED_MS), detail: failure.detail };
      throw failure;
    } finally {
      const { status = 0, headers } = answer ?? {};
      const ms = nowMs() - startedMs;
      this.#options.onRequest?.({ operation: name, status, ms, date: headers?.date, isRefused });
    }
  }

  #notPrefect(action: string): PrefectError {
    return notPrefectError(action, { ...HINTS, url: this.url });
  }

  #keepToLimit(action: string, nowMs: number): void {
    if (this.#limited === undefined) return;
    const { untilMs, detail } = this.#limited;
    if (nowMs < untilMs)
      throw new PrefectError(action, detail, { failure: "overloaded", retryAfterMs: untilMs - nowMs });
    this.#limited = { untilMs: nowMs + LIMITED_MS, detail };
  }

  #post(body: string, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const { http, timeoutMs, apiKey = "" } = this.#options;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "x-prefect-core-version": CORE_VERSION,
    };
    if (apiKey !== "") headers["authorization"] = `Bearer ${apiKey}`;
    if (apiKey !== "" && this.tenantId !== undefined) headers["x-prefect-tenant-id"] = this.tenantId;
    if (this.agentId !== undefined) headers["x-prefect-agent-id"] = this.agentId;
    return http.request({ method: "POST", url: this.#target, headers, body, timeoutMs, signal });
  }

  close(): void {
    this.#options.http.close();
  }
}

/** As Prefect's client writes a request: `variables` is text in which JSON stands. */
const SERIALIZER = {
  stringify: ({ query, variables }: { readonly query: string; readonly variables?: JsonObject }): string =>
    JSON.stringify({ query, variables: JSON.stringify(variables ?? null) }),
  parse: parseJson,
};

/** What graphql-request reads of a response. Whatever its Content-Type, it is read as JSON, as Prefect's client does. */
function responseOf({ status, body }: HttpAnswer): Response {
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: new Headers({ "content-type": "application/json" }),
    text: () => Promise.resolve(body),
  } as Response;
}
