// One GraphQL request to a Prefect 1 API, as its own client sends it: two keys, `variables` encoded twice, its headers.
// Why not graphql-request: it parses every document anew and hides the HTTP status that the rules here turn on.

import { HttpClient } from "../http/client.ts";
import type { ConnectionOptions } from "../http/exchange.ts";
import type { JsonObject } from "../base/json.ts";
import { dataOf, prefectConnectionError } from "./errors.ts";

export interface GraphqlOptions {
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Milliseconds for an answer; Prefect's cloud.request_timeout is 15 s. */
  readonly timeoutMs: number;
  readonly connection?: ConnectionOptions;
  /** Told of every request, for metrics: operation, outcome, milliseconds. */
  readonly onRequest?: ((seen: SeenOperation) => void) | undefined;
}

export interface SeenOperation {
  readonly operation: string;
  /** HTTP status; 0: no answer; 200 may still carry errors. */
  readonly status: number;
  readonly ms: number;
  /** The answer's Date header: what time it is there. */
  readonly date?: string | undefined;
}

export interface Operation {
  /** What is attempted; reads after "cannot". */
  readonly action: string;
  /** A short name for metrics. */
  readonly name: string;
  readonly document: string;
  readonly variables?: JsonObject | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The Core version whose protocol we speak; part of an agent's identity. */
export const CORE_VERSION = "1.4.1";

/** Sends operations over kept-alive connections. Throws PrefectError. */
export class Graphql {
  readonly url: string;
  readonly #options: GraphqlOptions;
  readonly #target: URL;
  readonly #http: HttpClient;
  #tenantId: string | undefined;
  #agentId: string | undefined;

  constructor(options: GraphqlOptions) {
    this.#options = options;
    this.url = options.url.replace(/\/+$/, "");
    this.#target = new URL(this.url);
    this.#http = new HttpClient(this.#target, { maxSockets: 8, ...options.connection });
    this.#tenantId = options.tenantId;
  }

  get tenantId(): string | undefined {
    return this.#tenantId;
  }

  set tenantId(id: string) {
    this.#tenantId = id;
  }

  set agentId(id: string) {
    this.#agentId = id;
  }

  async ask(operation: Operation): Promise<Readonly<Record<string, unknown>>> {
    const startedMs = performance.now();
    let status = 0;
    let date: string | undefined;
    try {
      const answer = await this.#http.request({
        method: "POST",
        url: this.#target,
        headers: this.#headers(),
        body: JSON.stringify({
          query: operation.document,
          variables: JSON.stringify(operation.variables ?? null),
        }),
        timeoutMs: this.#options.timeoutMs,
        signal: operation.signal,
      });
      status = answer.status;
      date = answer.headers.date;
      return dataOf(operation.action, this.url, answer);
    } catch (error) {
      throw prefectConnectionError(operation.action, this.url, error);
    } finally {
      const ms = performance.now() - startedMs;
      this.#options.onRequest?.({ operation: operation.name, status, ms, date });
    }
  }

  #headers(): Record<string, string> {
    const { apiKey } = this.#options;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "x-prefect-core-version": CORE_VERSION,
    };
    if (apiKey !== undefined && apiKey !== "") {
      headers["authorization"] = `Bearer ${apiKey}`;
      if (this.#tenantId !== undefined) headers["x-prefect-tenant-id"] = this.#tenantId;
    }
    if (this.#agentId !== undefined) headers["x-prefect-agent-id"] = this.#agentId;
    return headers;
  }

  close(): void {
    this.#http.close();
  }
}
