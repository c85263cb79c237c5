// The REST API of Prefect 2 and 3, to show and cancel flow runs. Loaded only when there are flow runs of Prefect 2 or 3.

import type { Http, HttpAnswer } from "../http/exchange.ts";
import { HttpClient } from "../http/client.ts";
import { apiUrl, certificatesIn, prefectConnection, type EnvironmentDeps } from "../http/environment.ts";
import { overFreshConnection, TransportError } from "../http/errors.ts";
import { followingRedirects } from "../http/redirects.ts";
import { arrayIn, objectIn, parseJson, textIn, dateIn, type JsonObject } from "../base/json.ts";
import { answerError, notPrefectError, PrefectError, unreachableError } from "../orchestrator/errors.ts";
import type { KnownRun } from "../orchestrator/run-directory.ts";
import type { Prefect3Target } from "./settings.ts";
import type { RunState, StateType } from "../orchestrator/flow-run.ts";

interface Prefect3Options extends Pick<Prefect3Target, "url" | "apiKey" | "authString" | "headers"> {
  /** Response timeout. */
  readonly timeoutMs: number;
  readonly http: Pick<Http, "request" | "close">;
  /** Called with the Date header of each answer, and how long it took. */
  readonly onAnswer?:
    | ((seen: { readonly date: string | undefined; readonly ms: number }) => void)
    | undefined;
}

/** What its errors advise. */
const HINTS = {
  address: "check PREFECT_API_URL",
  authorities: "PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE",
  key: "check PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a self-hosted server",
  notApi:
    "check PREFECT_API_URL: use the API's URL, not the UI's; for an access proxy set PREFECT_CLIENT_CUSTOM_HEADERS",
  notFound: "check PREFECT_API_URL: it ends with /api",
};
/** The API's largest page size. */
const PAGE = 200;

/** Throws SettingsError when the URL, a proxy or a file of authorities is invalid. */
export function connectPrefect3(
  target: Prefect3Target,
  deps: EnvironmentDeps,
  options: Pick<Prefect3Options, "timeoutMs" | "onAnswer">,
): Prefect3Client {
  const url = apiUrl(target.url, "PREFECT_API_URL", "http://localhost:4200/api");
  const { certFile = "", skipVerify = false } = target;
  const named = certificatesIn(certFile, "PREFECT_API_SSL_CERT_FILE", deps);
  const connect = (to: URL): HttpClient => {
    const { proxy, tls } = prefectConnection(to, deps);
    const ca = tls && [...tls.ca, ...named];
    const tlsOptions = { ca, rejectUnauthorized: skipVerify ? false : undefined };
    return new HttpClient(to, { maxSockets: 4, proxy, tls: tlsOptions });
  };
  return new Prefect3Client({ ...target, ...options, http: followingRedirects(url, connect) });
}

/** Throws PrefectError. */
export class Prefect3Client {
  readonly url: string;
  readonly #options: Prefect3Options;

  constructor(options: Prefect3Options) {
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
  }

  /** The flow runs of a filter, at most 200. */
  async flowRuns(query: JsonObject, signal?: AbortSignal): Promise<readonly KnownRun[]> {
    const rows = await this.rows("flow_runs", query, signal);
    return rows.map((row) => ({
      id: textIn(row["id"]) ?? "",
      name: textIn(row["name"]),
      state: runStateIn(row),
      pool: textIn(row["work_pool_name"]),
    }));
  }

  /** The rows of a filter of flow runs, logs, flows, deployments or work pools. */
  async rows(kind: string, query: JsonObject, signal?: AbortSignal): Promise<readonly JsonObject[]> {
    const body = { limit: PAGE, ...query };
    const rows = await this.#post(`read ${kind.replace("_", " ")}`, `/${kind}/filter`, { body, signal });
    return arrayIn(rows).map(objectIn);
  }

  async countFlowRuns(signal?: AbortSignal): Promise<number> {
    const count = await this.#post("count flow runs", "/flow_runs/count", { body: {}, signal });
    return typeof count === "number" ? count : 0;
  }

  /**
   * The type of the run's new state. Throws PrefectError unless the API accepts the proposed one, or answers that the run is in
   * it already, or Cancelled: it cancels a run at once that has no process. CANCELLED is forced: the run may be Cancelling.
   */
  async setState(
    id: string,
    { type, message }: { readonly type: "CANCELLING" | "CANCELLED"; readonly message?: string },
  ): Promise<StateType> {
    const action = `cancel flow run "${id}"`;
    const body = { state: { type, message: message ?? null }, force: type === "CANCELLED" };
    const path = `/flow_runs/${encodeURIComponent(id)}/set_state`;
    const answer = objectIn(await this.#post(action, path, { body }));
    const { status = "without a status" } = answer;
    const found = textIn(objectIn(answer["state"])["type"]);
    if (found === "CANCELLED") return "cancelled";
    if (status === "ACCEPT" || found === type) return type === "CANCELLED" ? "cancelled" : "cancelling";
    throw new PrefectError(action, `the API answered ${String(status)}`, { failure: "refused" });
  }

  close(): void {
    this.#options.http.close();
  }

  async #post(
    action: string,
    path: string,
    { body, signal }: { readonly body: JsonObject; readonly signal?: AbortSignal | undefined },
  ): Promise<unknown> {
    const send = (): Promise<HttpAnswer> =>
      this.#options.http.request({
        method: "POST",
        url: new URL(this.url + path),
        headers: this.#headers(),
        body: JSON.stringify(body),
        timeoutMs: this.#options.timeoutMs,
        signal,
      });
    const startedMs = performance.now();
    const api = { ...HINTS, url: this.url };
    try {
      // The server closes connections that are idle for five seconds; all requests here are safe to repeat.
      const answer = await overFreshConnection(send);
      this.#options.onAnswer?.({ date: answer.headers.date, ms: performance.now() - startedMs });
      const failure = answerError(action, api, answer);
      if (failure !== undefined) throw failure;
      return parseJson(answer.body);
    } catch (error) {
      if (error instanceof TransportError) throw unreachableError(action, api, error);
      // Without the parser's message, which quotes the answer.
      throw error instanceof SyntaxError ? notPrefectError(action, api) : error;
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

/** The state types of Prefect 2 and 3 (`StateType` of prefect.client.schemas). */
export type Prefect3StateType = Uppercase<StateType>;

const TYPES: ReadonlySet<string> = new Set<StateType>([
  ...(["scheduled", "pending", "running", "paused", "cancelling"] as const),
  ...(["completed", "failed", "crashed", "cancelled"] as const),
]);

/** The state of a flow run. An unknown type counts as scheduled, so that nothing is done with the run. */
export function runStateIn(row: JsonObject): RunState {
  const state = objectIn(row["state"]);
  const type = (textIn(state["type"]) ?? "").toLowerCase();
  return {
    type: TYPES.has(type) ? (type as StateType) : "scheduled",
    name: textIn(state["name"]) ?? (type === "" ? "Unknown" : type.charAt(0).toUpperCase() + type.slice(1)),
    message: textIn(state["message"]),
    since: dateIn(state["timestamp"] ?? row["updated"]),
    dueAt: type === "scheduled" ? dateIn(row["next_scheduled_start_time"]) : undefined,
  };
}
