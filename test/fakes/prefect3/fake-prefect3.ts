// A fake REST API of Prefect 2 and 3, as much of it as the product calls: flow runs by id, by name and in pages, their states.

import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../../src/base/json.ts";
import { HttpServer } from "../http-server.ts";
import type { Handler } from "../http-server.ts";

export interface FakeFlowRun {
  readonly id: string;
  readonly name: string;
  readonly state: {
    readonly type: string;
    readonly name?: string;
    readonly message?: string;
    readonly timestamp?: string;
  };
  readonly work_pool_name?: string;
  /** Of its work pool; kubernetes without it. */
  readonly work_pool_type?: string;
  readonly next_scheduled_start_time?: string;
  /** When its first try was due. */
  readonly expected_start_time?: string;
  readonly infrastructure_pid?: string;
}

export interface FakeLog {
  readonly flow_run_id: string;
  readonly timestamp: string;
  readonly level: number;
  readonly name: string;
  readonly message: string;
}

export interface RestCall {
  /** Below `/api`. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: JsonObject;
}

export interface RestAnswer {
  readonly status?: number;
  /** Text is sent as it is, everything else as JSON. */
  readonly body: unknown;
}

export interface FakePrefect3Options {
  readonly clock?: Clock;
  /** The key that every request must carry. */
  readonly apiKey?: string;
  /** What a change of state is answered with; only ACCEPT changes the state. Default ACCEPT. */
  readonly setState?: "ACCEPT" | "REJECT" | "ABORT" | "WAIT";
  /** Why it is not accepted. */
  readonly reason?: string;
  /** PREFECT_SERVER_API_DEFAULT_LIMIT; 200 without it. */
  readonly pageLimit?: number;
  /** PREFECT_SERVER_CSRF_PROTECTION_ENABLED: no change and no filter without a token. */
  readonly csrf?: boolean;
  /** Answers in place of the fake, where it answers at all. */
  readonly instead?: (call: RestCall) => RestAnswer | undefined;
}

const CSRF_TOKEN = "csrf-of-the-fake";
const OVER: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

/** The API without sockets: call `handle`. */
export class FakePrefect3 {
  readonly calls: RestCall[] = [];
  readonly #runs = new Map<string, FakeFlowRun>();
  readonly #logs: FakeLog[] = [];
  readonly #options: FakePrefect3Options;

  constructor(options: FakePrefect3Options = {}) {
    this.#options = options;
  }

  /** Adds a flow run, or replaces the one of its id. */
  put(run: FakeFlowRun): void {
    this.#runs.set(run.id, run);
  }

  /** Adds a line to a run's log. */
  log(line: FakeLog): void {
    this.#logs.push(line);
  }

  flowRun(id: string): FakeFlowRun | undefined {
    return this.#runs.get(id);
  }

  readonly handle: Handler = ({ method, path, headers, body }) => {
    const json: unknown = body === "" ? {} : JSON.parse(body);
    const call = {
      path: path.replace(/^\/api/, ""),
      authorization: headers.authorization,
      body: objectIn(json),
    };
    this.calls.push(call);
    const { apiKey, instead, csrf = false } = this.#options;
    const isAdmitted = apiKey === undefined || call.authorization === `Bearer ${apiKey}`;
    const isForged = csrf && method !== "GET" && headers["prefect-csrf-token"] !== CSRF_TOKEN;
    const { status = 200, body: answer } = !isAdmitted
      ? { status: 401, body: { exception_message: "Unauthorized" } }
      : isForged
        ? { status: 403, body: { detail: "Missing CSRF token." } }
        : (instead?.(call) ?? this.#answer(call));
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    return Promise.resolve({ status, headers: { "content-type": "application/json" }, body: text });
  };

  #answer({ path, body }: RestCall): RestAnswer {
    const { pageLimit = 200 } = this.#options;
    if (typeof body["limit"] === "number" && body["limit"] > pageLimit)
      return { status: 422, body: { detail: `Invalid limit: must be less than or equal to ${pageLimit}.` } };
    if (path.startsWith("/csrf-token")) return { body: { token: CSRF_TOKEN } };
    if (path === "/flow_runs/count") return { body: this.#runs.size };
    if (path === "/flow_runs/filter") return this.#filter(body);
    if (path === "/logs/filter") return this.#logsOf(body);
    const [, id] = /^\/flow_runs\/([^/]+)\/set_state$/.exec(path) ?? [];
    const run = this.#runs.get(id ?? "");
    if (id === undefined) return { status: 404, body: { detail: "Not Found" } };
    return run === undefined
      ? { status: 404, body: { detail: "Flow run not found" } }
      : this.#setState(run, body);
  }

  /** By ids descending, unless another order is asked for. */
  #filter({ flow_runs: filter, work_pools: pools, sort, offset, limit }: JsonObject): RestAnswer {
    const one = (key: string): readonly unknown[] | undefined => {
      const of = objectIn(filter)[key];
      return isObject(of) ? arrayIn(of["any_"]) : undefined;
    };
    const [ids, names] = [one("id"), one("name")];
    const types = arrayIn(objectIn(objectIn(objectIn(filter)["state"])["type"])["any_"]);
    const poolTypes = arrayIn(objectIn(objectIn(pools)["type"])["any_"]);
    const bound = (column: string, end: string): string | undefined =>
      textIn(objectIn(objectIn(filter)[column])[end]);
    const dueBy = bound("next_scheduled_start_time", "before_");
    const endedAt = ({ state }: FakeFlowRun): string => state.timestamp ?? "";
    const found = [...this.#runs.values()]
      .filter(({ id, name }) => (ids?.includes(id) ?? true) && (names?.includes(name) ?? true))
      .filter(({ state }) => types.length === 0 || types.includes(state.type))
      .filter((run) => dueBy === undefined || (run.next_scheduled_start_time ?? "") <= dueBy)
      .filter(({ work_pool_name: pool, work_pool_type: type = "kubernetes" }) =>
        poolTypes.length === 0 ? true : pool !== undefined && poolTypes.includes(type),
      )
      .sort((left, right) => (left.id < right.id ? 1 : -1));
    if (sort === "END_TIME_DESC") found.sort((left, right) => (endedAt(left) < endedAt(right) ? 1 : -1));
    const from = typeof offset === "number" ? offset : 0;
    return { body: found.slice(from, typeof limit === "number" ? from + limit : undefined) };
  }

  #logsOf({ logs, sort, offset, limit }: JsonObject): RestAnswer {
    const filter = objectIn(logs);
    const ids = arrayIn(objectIn(filter["flow_run_id"])["any_"]);
    const level = objectIn(filter["level"])["ge_"];
    const found = this.#logs
      .filter((line) => ids.includes(line.flow_run_id))
      .filter((line) => typeof level !== "number" || line.level >= level)
      .sort((left, right) => (left.timestamp < right.timestamp ? -1 : 1));
    if (sort === "TIMESTAMP_DESC") found.reverse();
    const from = Number(offset ?? 0);
    return { body: found.slice(from, from + Number(limit ?? 200)) };
  }

  #setState(run: FakeFlowRun, body: JsonObject): RestAnswer {
    const { setState: status = "ACCEPT", clock = systemClock } = this.#options;
    const type = textIn(objectIn(body["state"])["type"]) ?? "";
    const { reason = "This run is not to be cancelled." } = this.#options;
    const isForced = body["force"] === true;
    if (OVER.has(run.state.type) && !isForced)
      return {
        body: { status: "ABORT", state: null, details: { reason: "This run has already terminated." } },
      };
    const isRefused = run.state.type === "CANCELLING" && type !== "CANCELLED" && !isForced;
    if ((status !== "ACCEPT" && !isForced) || isRefused)
      return { body: { status: isRefused ? "REJECT" : status, state: run.state, details: { reason } } };
    const isOver = type === "CANCELLING" && !hasProcess(run);
    const set = isOver ? "CANCELLED" : type;
    const name = set.charAt(0) + set.slice(1).toLowerCase();
    const message = textIn(objectIn(body["state"])["message"]) ?? "";
    const state = { type: set, name, message, timestamp: clock.now().toISOString() };
    this.put({ ...run, state });
    return { body: { status: isOver ? "REJECT" : status, state, details: {} } };
  }
}

/** Whether the server lets its process end: it cancels a run at once that has none. */
function hasProcess({ state, infrastructure_pid: pid }: FakeFlowRun): boolean {
  if (state.name === "Resuming" || state.name === "Suspended") return false;
  return state.type !== "SCHEDULED" || pid !== undefined;
}

/** Serves a fake on a free port of this machine, under `/api`. */
export async function startFakePrefect3(
  options: FakePrefect3Options = {},
): Promise<{ readonly fake: FakePrefect3; readonly url: string; stop(): Promise<void> }> {
  const fake = new FakePrefect3(options);
  const server = new HttpServer(fake.handle, { host: "127.0.0.1", port: 0 });
  await server.open();
  return { fake, url: `${server.url}/api`, stop: () => server.close() };
}
