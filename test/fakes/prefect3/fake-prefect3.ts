// A fake REST API of Prefect 2 and 3, as much of it as the product calls: flow runs by id, by name and in pages, their states.

import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { arrayIn, objectIn, textIn } from "../../../src/base/json.ts";
import { anyOf, isAmong, pageOf } from "./filters.ts";
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
  readonly deployment_id?: string | undefined;
  /** The task of the parent run that stands for this one. */
  readonly parent_task_run_id?: string;
  /** What its worker has noted. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly empirical_policy?: JsonObject;
  readonly work_queue_id?: string;
  readonly work_queue_name?: string;
  readonly work_pool_name?: string | undefined;
  /** Of its work pool; kubernetes without it. */
  readonly work_pool_type?: string;
  readonly next_scheduled_start_time?: string;
  /** When its first try was due. */
  readonly expected_start_time?: string;
  readonly infrastructure_pid?: string;
}

/** A work pool, with what its API tells of it. */
export interface FakePool {
  readonly name: string;
  /** Default kubernetes. */
  readonly type?: string;
  readonly is_paused?: boolean;
  readonly concurrency_limit?: number;
  readonly queues?: readonly {
    readonly id: string;
    readonly name: string;
    readonly is_paused?: boolean;
    readonly concurrency_limit?: number;
    readonly status?: string;
  }[];
  readonly workers?: readonly {
    readonly name: string;
    readonly last_heartbeat_time: string;
    readonly heartbeat_interval_seconds?: number;
  }[];
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
  readonly #pools = new Map<string, FakePool>();
  /** The flow run of each task run. */
  readonly #taskRuns = new Map<string, string>();
  readonly #logs: FakeLog[] = [];
  readonly #options: FakePrefect3Options;

  constructor(options: FakePrefect3Options = {}) {
    this.#options = options;
  }

  /** Adds a flow run, or replaces the one of its id. */
  put(run: FakeFlowRun): void {
    this.#runs.set(run.id, run);
  }

  /** Adds a work pool, or replaces the one of its name. */
  putPool(pool: FakePool): void {
    this.#pools.set(pool.name, pool);
  }

  /** Adds a run that runs in the process of another one. */
  putSubflow(run: FakeFlowRun, parent: string): void {
    this.#taskRuns.set(`task-${run.id}`, parent);
    this.put({ ...run, parent_task_run_id: `task-${run.id}` });
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
    const { status = 200, body: answer } = isForged
      ? { status: 403, body: { detail: "Missing CSRF token." } }
      : !isAdmitted
        ? { status: 401, body: { exception_message: "Unauthorized" } }
        : (instead?.(call) ?? this.#answer(call));
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    return Promise.resolve({ status, headers: { "content-type": "application/json" }, body: text });
  };

  #answer({ path, body }: RestCall): RestAnswer {
    const { pageLimit = 200 } = this.#options;
    if (typeof body["limit"] === "number" && body["limit"] > pageLimit)
      return { status: 422, body: { detail: `Invalid limit: must be less than or equal to ${pageLimit}.` } };
    if (path.startsWith("/csrf-token")) return { body: { token: CSRF_TOKEN } };
    if (path === "/flow_runs/count") return { body: this.#matching(body).length };
    if (path === "/flow_runs/filter") return { body: pageOf(this.#matching(body).map(rowOf), body) };
    if (path === "/logs/filter") return this.#logsOf(body);
    if (path.startsWith("/work_")) return this.#poolAnswer(path, body);
    const [, id] = /^\/flow_runs\/([^/]+)\/set_state$/.exec(path) ?? [];
    const run = this.#runs.get(id ?? "");
    if (id === undefined) return { status: 404, body: { detail: "Not Found" } };
    return run === undefined
      ? { status: 404, body: { exception_message: `Flow run with id ${id} not found` } }
      : this.#setState(run, body);
  }

  /** By ids descending, unless another order is asked for. */
  #matching({
    flow_runs: filter,
    work_pools: pools,
    work_pool_queues: queues,
    task_runs: tasks,
    sort,
  }: JsonObject): readonly FakeFlowRun[] {
    const { type: states } = objectIn(objectIn(filter)["state"]);
    const dueBy = textIn(objectIn(objectIn(filter)["next_scheduled_start_time"])["before_"]);
    const hasDeployment = objectIn(objectIn(filter)["deployment_id"])["is_null_"] === false;
    const parents = anyOf(tasks, "id")?.map((task) => this.#taskRuns.get(String(task)));
    const endedAt = ({ state }: FakeFlowRun): string => state.timestamp ?? "";
    const found = [...this.#runs.values()]
      .filter((run) => isAmong(filter, "id", run.id) && isAmong(filter, "name", run.name))
      .filter((run) => isAmong({ type: states }, "type", run.state.type))
      .filter((run) => isAmong(queues, "id", run.work_queue_id))
      .filter((run) => dueBy === undefined || (run.next_scheduled_start_time ?? "~") <= dueBy)
      .filter((run) => !hasDeployment || run.deployment_id !== undefined)
      .filter((run) => parents?.includes(run.id) ?? true)
      .filter(
        (run) => isAmong(pools, "name", run.work_pool_name) && isAmong(pools, "type", this.#poolTypeOf(run)),
      )
      .sort((left, right) => (left.id < right.id ? 1 : -1));
    if (sort === "END_TIME_DESC") found.sort((left, right) => (endedAt(left) < endedAt(right) ? 1 : -1));
    return found;
  }

  /** Undefined: it has no pool. */
  #poolTypeOf({ work_pool_name: name = "", work_pool_type }: FakeFlowRun): string | undefined {
    if (name === "") return undefined;
    return work_pool_type ?? this.#pools.get(name)?.type ?? "kubernetes";
  }

  #poolAnswer(path: string, body: JsonObject): RestAnswer {
    const pools = [...this.#pools.values()];
    const [, name] = /^\/work_pools\/([^/]+)\/workers\/filter$/.exec(path) ?? [];
    if (name !== undefined) {
      const pool = this.#pools.get(decodeURIComponent(name));
      if (pool !== undefined) return { body: pool.workers ?? [] };
      return { status: 404, body: { detail: `Work pool "${name}" not found.` } };
    }
    const isNamed = (pool: FakePool): boolean =>
      anyOf(body["work_pools"], "name")?.includes(pool.name) ?? true;
    if (path === "/work_pools/filter")
      return {
        body: pools.filter(isNamed).map((pool) => ({ type: "kubernetes", is_paused: false, ...pool })),
      };
    const queues = pools.flatMap((pool) => pool.queues ?? []);
    return {
      body: queues
        .filter(({ id }) => isAmong(body["work_queues"], "id", id))
        .map((queue) => ({ is_paused: false, ...queue })),
    };
  }

  #logsOf({ logs, sort, offset, limit }: JsonObject): RestAnswer {
    const filter = objectIn(logs);
    const ids = arrayIn(objectIn(filter["flow_run_id"])["any_"]);
    const level = objectIn(filter["level"])["ge_"];
    const after = textIn(objectIn(filter["timestamp"])["after_"]);
    const found = this.#logs
      .filter((line) => ids.includes(line.flow_run_id))
      .filter((line) => typeof level !== "number" || line.level >= level)
      .filter(({ timestamp }) => after === undefined || Date.parse(timestamp) >= Date.parse(after))
      .sort((left, right) => (left.timestamp < right.timestamp ? -1 : 1));
    if (sort === "TIMESTAMP_DESC") found.reverse();
    return { body: pageOf(found, { offset, limit }) };
  }

  #setState(run: FakeFlowRun, body: JsonObject): RestAnswer {
    const { setState: status = "ACCEPT", clock = systemClock } = this.#options;
    const type = textIn(objectIn(body["state"])["type"]) ?? "";
    const { reason = "This run is not to be cancelled." } = this.#options;
    const isForced = body["force"] === true;
    if (OVER.has(run.state.type) && !isForced)
      return {
        body: {
          status: "ABORT",
          state: run.state,
          details: { reason: `Run is already in terminal state ${run.state.type}.` },
        },
      };
    const isRefused = run.state.type === "CANCELLING" && type !== "CANCELLED" && !isForced;
    if ((status !== "ACCEPT" && !isForced) || isRefused)
      return { body: { status: isRefused ? "REJECT" : status, state: run.state, details: { reason } } };
    const isOver = type === "CANCELLING" && !hasProcess(run);
    const set = isOver ? "CANCELLED" : type;
    const message = textIn(objectIn(body["state"])["message"]) ?? "";
    const state = { type: set, name: nameOf(set), message, timestamp: clock.now().toISOString() };
    this.put({ ...run, state });
    return { body: { status: isOver ? "REJECT" : status, state, details: {} } };
  }
}

/** The run as the API shows it. */
function rowOf(run: FakeFlowRun): JsonObject {
  const state = { name: nameOf(run.state.type), ...run.state };
  return { ...run, state, state_type: state.type, state_name: state.name };
}

function nameOf(type: string): string {
  return type.charAt(0) + type.slice(1).toLowerCase();
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
