// A fake Prefect 1 API: real GraphQL with the semantics of Prefect Server or Cloud, its data in memory. Tests and the demo
// use it; it serves the real Prefect 1.4.1 as well.

import { systemClock } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import type { RequestHook } from "./api-call.ts";
import { controlOf } from "./control.ts";
import type { Control } from "./control.ts";
import { Faults } from "../faults.ts";
import type { FaultSwitch } from "../faults.ts";
import { matching } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { HttpServer } from "../http-server.ts";
import type { Handler } from "../http-server.ts";
import { handle } from "./front.ts";
import type { Front } from "./front.ts";
import { CallReader } from "./graphql-call.ts";
import { RequestLog } from "./request-log.ts";
import { executableSchema } from "./resolvers.ts";
import type { Flavour } from "./sdl.ts";
import type { Service } from "./service.ts";
import { Store } from "./store.ts";
import type { Change } from "./table.ts";
import { tableShapes } from "./tables.ts";
import { createTenant } from "./tenants.ts";
import { lazarus, zombieKiller } from "./server-services.ts";
import { until } from "./until.ts";
import type { UntilOptions } from "./until.ts";

/** How the fake behaves; all of it has defaults. */
export interface FakePrefect1Options {
  /** Default `server`: no authorization, no version locking. */
  readonly flavour?: Flavour;
  /** Default 127.0.0.1; 0.0.0.0 lets pods reach it. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Cloud: the key that is demanded; without it any key will do. */
  readonly apiKey?: string;
  /** Cloud: how a bad key is refused. Default `errors`: HTTP 200 with the code UNAUTHENTICATED. */
  readonly unauthorized?: "401" | "errors";
  /** Cloud: every flow group locks versions. */
  readonly versionLocking?: boolean;
  /** Cloud: how many runs with a label may be Running at once. */
  readonly concurrencyLimits?: Readonly<Record<string, number>>;
  readonly clock?: Clock;
  /** How many finished flow runs stay, for soak runs. Default: all. */
  readonly keepFinished?: number;
  /** How many request entries stay. Default 10,000. */
  readonly keepRequests?: number;
}

/** A running fake. It lives until stop(). */
export interface FakePrefect1 extends Control {
  /** The address on this machine, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Answers a request, without a socket. */
  readonly handle: Handler;
  readonly tenantId: string;
  /** Adds a tenant, with the control of its flows and runs. */
  addTenant(name: string): Control & { readonly tenantId: string };
  readonly store: Store;
  readonly requests: RequestLog;
  /** Called after every change of a row; the answer ends it. */
  on(listener: (change: Change) => void): () => void;
  /** Resolves once the predicate holds; it is tried after every change. */
  until(predicate: () => boolean, options?: UntilOptions): Promise<void>;
  /** Resolves once all these flow runs are in this state. */
  untilState(ids: string | readonly string[], state: string, timeoutMs?: number): Promise<void>;
  onRequest(hook: RequestHook): () => void;
  fault(fault: Fault): FaultSwitch;
  clearFaults(): void;
  /** A tick of the server's Lazarus; answers the ids of the flow runs it touched. */
  lazarus(): string[];
  /** A tick of the server's zombie killer; answers the ids of the task runs and flow runs it touched. */
  zombieKiller(): string[];
  /** The API goes away: connections are dropped and refused. The data stays. */
  pause(): Promise<void>;
  /** The API is back, on the same port. */
  resume(): Promise<void>;
  /** The end of it. */
  stop(): Promise<void>;
}

/** Starts a fake with one tenant. */
export async function startFakePrefect1(options: FakePrefect1Options = {}): Promise<FakePrefect1> {
  const fake = fakePrefect1(options);
  await fake.resume();
  return fake;
}

/** A fake with one tenant that does not listen. */
export function fakePrefect1(options: FakePrefect1Options = {}): FakePrefect1 {
  const service = serviceFor(options);
  const tenantId = String(createTenant(service, {}, { name: "default", slug: "default" })["id"]);
  const hooks = new Set<RequestHook>();
  const front = frontFor(service, options, hooks);
  const { host = "127.0.0.1", port = 0 } = options;
  const server = new HttpServer((request) => handle(front, request), { host, port });
  const { store } = service.db;
  const control = controlOf(service, tenantId);
  return {
    ...control,
    get url() {
      return server.url;
    },
    get port() {
      return server.port;
    },
    handle: (request) => handle(front, request),
    tenantId,
    addTenant: (name) => {
      const id = String(createTenant(service, {}, { name, slug: name })["id"]);
      return { ...controlOf(service, id), tenantId: id };
    },
    store,
    requests: front.log,
    on: (callback) => store.onChange(callback),
    until: (predicate, waiting) => until(store, predicate, waiting),
    untilState: (ids, state, timeoutMs) => {
      const all = [ids].flat();
      const isReached = (): boolean => all.every((id) => control.stateOf(id) === state);
      return until(store, isReached, { what: `${all.length} × ${state}`, ...(timeoutMs && { timeoutMs }) });
    },
    onRequest: (hook) => {
      hooks.add(hook);
      return () => {
        hooks.delete(hook);
      };
    },
    fault: (fault) => front.faults.add(matching(fault)),
    clearFaults: () => front.faults.clear(),
    lazarus: () => lazarus(service),
    zombieKiller: () => zombieKiller(service),
    pause: () => server.close(),
    resume: () => server.open(),
    stop: () => server.close(),
  };
}

function serviceFor(options: FakePrefect1Options): Service {
  return {
    db: { store: new Store({ keepFinished: options.keepFinished }), shapes: tableShapes() },
    clock: options.clock ?? systemClock,
    flavour: options.flavour ?? "server",
    versionLocking: options.versionLocking ?? false,
    concurrencyLimits: new Map(Object.entries(options.concurrencyLimits ?? {})),
    submittedAtMs: new Map(),
  };
}

function frontFor(service: Service, options: FakePrefect1Options, hooks: ReadonlySet<RequestHook>): Front {
  const schema = executableSchema(service);
  const { apiKey } = options;
  const admits = (authorization: string | undefined): boolean => {
    if (service.flavour === "server") return true;
    return apiKey === undefined
      ? /^Bearer \S/.test(authorization ?? "")
      : authorization === `Bearer ${apiKey}`;
  };
  return {
    service,
    schema,
    reader: new CallReader(schema),
    log: new RequestLog(options.keepRequests ?? 10_000),
    faults: new Faults(),
    hooks,
    admits,
    unauthorized: options.unauthorized ?? "errors",
  };
}
