// The REST API of Prefect 2 and 3, to show and cancel flow runs. Loaded only when there are flow runs of Prefect 2 or 3.

import type { Http, HttpAnswer } from "../http/exchange.ts";
import { HttpClient } from "../http/client.ts";
import { apiUrl, certificatesIn, prefectConnection, type EnvironmentDeps } from "../http/environment.ts";
import { overFreshConnection, TransportError } from "../http/errors.ts";
import { followingRedirects } from "../http/redirects.ts";
import { attempt } from "../base/attempt.ts";
import type { Clock } from "../base/clock.ts";
import { withRetry } from "../base/retry.ts";
import { arrayIn, jsonIn, objectIn, parseJson, textIn, dateIn, type JsonObject } from "../base/json.ts";
import {
  answerError,
  notPrefectError,
  PrefectError,
  unreachableError,
  type PrefectApi,
} from "../orchestrator/errors.ts";
import type { KnownRun } from "../orchestrator/run-directory.ts";
import type { Prefect3Target } from "./settings.ts";
import type { RunState, StateType } from "../orchestrator/flow-run.ts";

interface Prefect3Options extends Pick<Prefect3Target, "url" | "apiKey" | "authString" | "headers"> {
  readonly clock: Clock;
  /** Response timeout. */
  readonly timeoutMs: number;
  readonly http: Pick<Http, "request" | "close">;
  /** Called with the Date header of each answer, and how long it took. */
  readonly onAnswer?:
    | ((seen: { readonly date: string | undefined; readonly ms: number }) => void)
    | undefined;
}

const LONGEST_WORDS = 300;
/** Of reading: a server on SQLite answers 503 now and then. */
const RETRY = {
  shape: { firstMs: 500, maxMs: 1_000 },
  attempts: (error: unknown): number => {
    const isBusy = error instanceof PrefectError && error.failure === "overloaded";
    return isBusy && (error.retryAfterMs ?? 0) <= 2_000 ? 3 : 1;
  },
};

/** What its errors advise. */
const HINTS = {
  address: "check PREFECT_API_URL",
  authorities: "PREFECT_API_SSL_CERT_FILE or SSL_CERT_FILE",
  key: "check PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a self-hosted server",
  notApi:
    "check PREFECT_API_URL: use the API's URL, not the UI's; for an access proxy set PREFECT_CLIENT_CUSTOM_HEADERS",
  notFound: "check PREFECT_API_URL: it ends with /api",
};
/** The API's largest page size, unless its server is told another. */
const PAGE = 200;
/** What a server with smaller pages answers: PREFECT_SERVER_API_DEFAULT_LIMIT. */
const TOO_LARGE = /: Invalid limit: must be less than or equal to (\d+)/;

/** Throws SettingsError when the URL, a proxy or a file of authorities is invalid. */
export function connectPrefect3(
  target: Prefect3Target,
  deps: EnvironmentDeps,
  options: Pick<Prefect3Options, "clock" | "timeoutMs" | "onAnswer">,
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
  #page = PAGE;
  /** Of a server that protects itself against forged requests. */
  #csrf: Readonly<Record<string, string>> = {};

  constructor(options: Prefect3Options) {
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
  }

  /** The flow runs of a filter, at most 200. */
  async flowRuns(query: JsonObject, signal?: AbortSignal): Promise<readonly KnownRun[]> {
    return (await this.rows("flow_runs", query, signal)).map(knownRunIn);
  }

  /** The rows of a filter of flow runs, logs, work pools, `work_pools/NAME/workers` …; as many as `query` says, or 200. */
  async rows(
    kind: string,
    { limit = PAGE, offset = 0, ...query }: RowQuery,
    signal?: AbortSignal,
  ): Promise<readonly JsonObject[]> {
    const action = `read ${kind.replace(/^.*\//, "").replace("_", " ")}`;
    const rows: JsonObject[] = [];
    for (;;) {
      const size = Math.min(limit - rows.length, this.#page);
      const from = offset + rows.length;
      const body = { ...query, limit: size, ...(from > 0 && { offset: from }) };
      const read = (): Promise<unknown> => this.#post(action, `/${kind}/filter`, { body, signal });
      const page = await attempt(() => withRetry(read, { ...RETRY, clock: this.#options.clock, signal }));
      if (page.error instanceof PrefectError && this.#learnedPage(page.error, size)) continue;
      if (!page.ok) throw page.error;
      // Anything else says nothing of the rows: a run that is not there counts as deleted.
      if (!Array.isArray(page.value)) throw notPrefectError(action, this.#api);
      rows.push(...page.value.map(objectIn));
      if (page.value.length < size || rows.length >= limit) return rows;
    }
  }

  /** Whether the API has said how large its pages are. */
  #learnedPage({ detail }: PrefectError, asked: number): boolean {
    const largest = Number(TOO_LARGE.exec(detail)?.[1]);
    if (!(largest > 0 && largest < asked)) return false;
    this.#page = largest;
    return true;
  }

  async countFlowRuns(signal?: AbortSignal, query: JsonObject = {}): Promise<number> {
    const action = "count flow runs";
    const count = await this.#post(action, "/flow_runs/count", { body: query, signal });
    if (typeof count !== "number") throw notPrefectError(action, this.#api);
    return count;
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
    const reason = textIn(objectIn(answer["details"])["reason"]);
    const found = textIn(objectIn(answer["state"])["type"]);
    if (found === "CANCELLED") return "cancelled";
    if (status === "ACCEPT" || found === type) return type === "CANCELLED" ? "cancelled" : "cancelling";
    const why = reason === undefined ? "" : `: ${reason}`;
    throw new PrefectError(action, `the API answered ${String(status)}${why}`, { failure: "refused" });
  }

  close(): void {
    this.#options.http.close();
  }

  get #api(): PrefectApi {
    return { ...HINTS, url: this.url };
  }

  async #post(
    action: string,
    path: string,
    { body, signal }: { readonly body: JsonObject; readonly signal?: AbortSignal | undefined },
  ): Promise<unknown> {
    const send = (): Promise<HttpAnswer> => this.#send("POST", path, signal, body);
    const startedMs = performance.now();
    const api = this.#api;
    try {
      let answer = await send();
      if (isCsrfRefusal(answer)) answer = (await this.#csrfRefusal(answer, signal)) ?? (await send());
      this.#options.onAnswer?.({ date: answer.headers.date, ms: performance.now() - startedMs });
      const failure = answerError(action, api, answer, wordsIn(answer));
      if (failure !== undefined) throw failure;
      return parseJson(answer.body);
    } catch (error) {
      if (error instanceof TransportError) throw unreachableError(action, api, error);
      // Without the parser's message, which quotes the answer.
      throw error instanceof SyntaxError ? notPrefectError(action, api) : error;
    }
  }

  /** The server closes connections that are idle for five seconds; all requests here are safe to repeat. */
  // oxlint-disable-next-line max-params -- two of them are the request
  #send(method: "GET" | "POST", path: string, signal?: AbortSignal, body?: JsonObject): Promise<HttpAnswer> {
    const { http, timeoutMs } = this.#options;
    const url = new URL(this.url + path);
    const text = body && JSON.stringify(body);
    return overFreshConnection(() =>
      http.request({ method, url, headers: this.#headers(), body: text, timeoutMs, signal }),
    );
  }

  /** Reads a token, as Prefect's own client does (PREFECT_SERVER_CSRF_PROTECTION_ENABLED); without one, what was refused, and why. */
  async #csrfRefusal(refusal: HttpAnswer, signal?: AbortSignal): Promise<HttpAnswer | undefined> {
    const client = crypto.randomUUID();
    const answer = await this.#send("GET", `/csrf-token?client=${client}`, signal);
    const token = textIn(objectIn(jsonIn(answer.body))["token"]);
    // The server asks for the token before it looks at the key.
    if (token === undefined) return answer.status === 401 ? answer : refusal;
    this.#csrf = { "prefect-csrf-token": token, "prefect-csrf-client": client };
    return undefined;
  }

  #headers(): Record<string, string> {
    const { apiKey = "", authString = "", headers: custom = {} } = this.#options;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      accept: "application/json",
      ...this.#csrf,
    };
    if (authString !== "") {
      headers["authorization"] = `Basic ${Buffer.from(authString).toString("base64")}`;
    } else if (apiKey !== "") headers["authorization"] = `Bearer ${apiKey}`;
    for (const [name, value] of Object.entries(custom)) headers[name.toLowerCase()] = value;
    return headers;
  }
}

type RowQuery = JsonObject & { readonly limit?: number; readonly offset?: number };

function isCsrfRefusal({ status, body }: HttpAnswer): boolean {
  return status === 403 && /csrf token/i.test(body);
}

/** What the API says of an error, in one line: `detail`, or what is wrong with each field. */
function wordsIn({ status, body }: HttpAnswer): string | undefined {
  if (status < 400) return undefined;
  const { detail, exception_message: message, exception_detail: fields } = objectIn(jsonIn(body));
  const ofFields = arrayIn(fields)
    .map(objectIn)
    .map(({ loc, msg }) => `${String(arrayIn(loc).at(-1))}: ${String(msg)}`);
  const words = [textIn(detail) ?? textIn(message) ?? "", ...ofFields]
    .join(" ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return words === "" || words === "Not Found" ? undefined : words.slice(0, LONGEST_WORDS);
}

/** The state types of Prefect 2 and 3 (`StateType` of prefect.client.schemas). */
export type Prefect3StateType = Uppercase<StateType>;

const TYPES: ReadonlySet<string> = new Set<StateType>([
  ...(["scheduled", "pending", "running", "paused", "cancelling"] as const),
  ...(["completed", "failed", "crashed", "cancelled"] as const),
]);

/** A row of flow runs. */
export function knownRunIn(row: JsonObject): KnownRun {
  return { id: textIn(row["id"]) ?? "", name: textIn(row["name"]), state: runStateIn(row) };
}

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
