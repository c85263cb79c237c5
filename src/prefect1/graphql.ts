// GraphQL requests to a Prefect 1 API, in the form of Prefect's own client: `variables` are encoded twice.
// graphql-request is not used: it parses every document again and hides the HTTP status, which errors.ts needs.

import { HttpClient } from "../http/client.ts";
import type { ConnectionOptions } from "../http/exchange.ts";
import type { JsonObject } from "../base/json.ts";
import { dataOf, prefectConnectionError } from "./errors.ts";

export interface GraphqlOptions {
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Response timeout; Prefect's default (cloud.request_timeout) is 15 s. */
  readonly timeoutMs: number;
  readonly connection?: ConnectionOptions;
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
}

export interface Operation {
  /** Follows "cannot" in error messages. */
  readonly action: string;
  /** A short name for metrics. */
  readonly name: string;
  readonly document: string;
  readonly variables?: JsonObject | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The version of Prefect Core that requests are sent as. */
export const CORE_VERSION = "1.4.1";

/** Throws PrefectError. */
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

  async request(operation: Operation): Promise<Readonly<Record<string, unknown>>> {
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
