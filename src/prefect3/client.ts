// The REST API of Prefect 2 and 3, to show and cancel flow runs.

import type { HttpAnswer } from "../http/exchange.ts";
import { HttpClient } from "../http/client.ts";
import { TransportError } from "../http/errors.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { webPageIn } from "../http/web-page.ts";
import { redactUrl } from "../base/redact-url.ts";
import type { ConnectionOptions } from "../http/exchange.ts";
import type { JsonObject } from "../base/json.ts";
import { arrayIn, objectIn, parseJson, textIn } from "../base/json.ts";
import { PrefectError, unreachableError } from "../orchestrator/errors.ts";
import type { KnownRun } from "../orchestrator/run-directory.ts";
import type { Prefect3Target } from "./settings.ts";
import type { Prefect3StateType } from "./states.ts";
import { runStateIn } from "./states.ts";

export interface Prefect3Options extends Pick<Prefect3Target, "url" | "apiKey" | "authString" | "headers"> {
  /** Response timeout. */
  readonly timeoutMs: number;
  readonly connection?: ConnectionOptions | undefined;
}

/** The API's largest page size. */
const PAGE = 200;

/** Throws PrefectError. */
export class Prefect3Client {
  readonly url: string;
  readonly #options: Prefect3Options;
  readonly #http: HttpClient;

  constructor(options: Prefect3Options) {
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
    this.#http = new HttpClient(new URL(this.url), { maxSockets: 4, ...options.connection });
  }

  /** At most 200 runs; an unknown id has no entry. */
  async flowRuns(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, KnownRun>> {
    const found = await this.#filter("read flow-run states", { flow_runs: { id: { any_: ids } } }, signal);
    return new Map(found.map((run) => [run.id, run]));
  }

  /** Runs with exactly this name. */
  async flowRunsNamed(name: string, signal?: AbortSignal): Promise<readonly KnownRun[]> {
    return this.#filter(`read flow run "${name}"`, { flow_runs: { name: { any_: [name] } } }, signal);
  }

  /** The runs of a filter. */
  flowRunsWhere(query: JsonObject, signal?: AbortSignal): Promise<readonly KnownRun[]> {
    return this.#filter("list flow runs", query, signal);
  }

  /** The rows of a filter of the run's log. */
  async logs(query: JsonObject, signal?: AbortSignal): Promise<readonly JsonObject[]> {
    const answer = await this.#post("read the flow run's log", "/logs/filter", { body: query, signal });
    return arrayIn(answer).map(objectIn);
  }

  /** Those of these ids that are flows, deployments or work pools. */
  async knownIds(ids: readonly string[], signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const filter = { id: { any_: ids } };
    const found = await Promise.all(
      ["flows", "deployments", "work_pools"].map((kind) =>
        this.#post(`read ${kind}`, `/${kind}/filter`, { body: { [kind]: filter, limit: PAGE }, signal }),
      ),
    );
    return new Set(found.flatMap((rows) => arrayIn(rows).map((row) => textIn(objectIn(row)["id"]) ?? "")));
  }

  async countFlowRuns(signal?: AbortSignal): Promise<number> {
    const count = await this.#post("count flow runs", "/flow_runs/count", { body: {}, signal });
    return typeof count === "number" ? count : 0;
  }

  /** Returns the orchestration status: ACCEPT, REJECT, ABORT or WAIT. */
  async setState(
    id: string,
    state: { readonly type: Prefect3StateType; readonly message?: string; readonly force?: boolean },
    signal?: AbortSignal,
  ): Promise<string> {
    const { type, message = null, force = false } = state;
    const action = `set the state of flow run "${id}"`;
    const body = { state: { type, message }, force };
    const path = `/flow_runs/${encodeURIComponent(id)}/set_state`;
    return textIn(objectIn(await this.#post(action, path, { body, signal }))["status"]) ?? "";
  }

  close(): void {
    this.#http.close();
  }

  async #filter(action: string, query: JsonObject, signal?: AbortSignal): Promise<KnownRun[]> {
    const body = { limit: PAGE, ...query };
    const answer = await this.#post(action, "/flow_runs/filter", { body, signal });
    return arrayIn(answer).map((row) => decodeRun(objectIn(row)));
  }

  async #post(
    action: string,
    path: string,
    { body, signal }: { readonly body: JsonObject; readonly signal: AbortSignal | undefined },
  ): Promise<unknown> {
    const send = (): Promise<HttpAnswer> =>
      this.#http.request({
        method: "POST",
        url: new URL(this.url + path),
        headers: this.#headers(),
        body: JSON.stringify(body),
        timeoutMs: this.#options.timeoutMs,
        signal,
      });
    try {
      // The server closes connections that are idle for five seconds; all requests here are safe to repeat.
      const answer = await send().catch((error: unknown) => {
        if (error instanceof TransportError && error.staleConnection) return send();
        throw error;
      });
      return readAnswer(action, this.url, answer);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const authorities = "PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE";
      throw unreachableError(action, { url: this.url, address: "check PREFECT_API_URL", authorities }, error);
    }
  }

  #headers(): Record<string, string> {
    const { apiKey = "", authString = "", headers: custom = {} } = this.#options;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      accept: "application/json",
    };
    if (authString !== "") {
      headers["authorization"] = `Basic ${Buffer.from(authString).toString("base64")}`;
    } else if (apiKey !== "") headers["authorization"] = `Bearer ${apiKey}`;
    for (const [name, value] of Object.entries(custom)) headers[name.toLowerCase()] = value;
    return headers;
  }
}

function decodeRun(row: JsonObject): KnownRun {
  const pool = textIn(row["work_pool_name"]);
  return { id: textIn(row["id"]) ?? "", name: textIn(row["name"]), state: runStateIn(row), pool };
}

function readAnswer(action: string, url: string, answer: HttpAnswer): unknown {
  const { status } = answer;
  const page = webPageIn(answer);
  const shown = page === undefined ? "" : ` with ${page}`;
  if (status === 401 || status === 403) {
    throw new PrefectError(action, `the API answered ${status}${shown}`, {
      failure: "unauthorized",
      hint: "check PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a self-hosted server",
    });
  }
  if (status >= 400 && (page === undefined || status === 429 || status >= 500)) {
    const overloaded = status === 429 || status >= 500;
    throw new PrefectError(action, `the API answered ${status}`, {
      failure: overloaded ? "overloaded" : "refused",
      retryAfterMs: retryAfterMs(answer.headers),
      hint: status === 404 ? "check PREFECT_API_URL: it ends with /api" : undefined,
    });
  }
  try {
    if (page === undefined) return parseJson(answer.body);
  } catch {
    // Without the parser's message, which quotes the answer.
  }
  const what = page === undefined ? "" : `: it answered ${status} with ${page}`;
  throw new PrefectError(action, `${redactUrl(url)} is not a Prefect API${what}`, {
    failure: "unreadable",
    hint: "check PREFECT_API_URL: use the API's URL, not the UI's; for an access proxy set PREFECT_CLIENT_CUSTOM_HEADERS",
  });
}
