// The cluster: temporary namespaces, and the times at which watches report objects.

import { setTimeout } from "node:timers/promises";
import { ExpectedError } from "../../src/base/errors.ts";
import { HttpClient } from "../../src/http/client.ts";
import type { HttpAnswer, HttpStream } from "../../src/http/exchange.ts";
import { arrayIn, objectIn } from "../../src/base/json.ts";
import { linesOf } from "../../src/base/lines.ts";
import { accessTo } from "./access.ts";
import type { ClusterAccess } from "./access.ts";

export interface PlainCall {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

const TIMEOUT_MS = 60_000;
const POLL_MS = 250;
const DELETE_AT_ONCE = 500;
const WAIT_MS = 300_000;

/** A connection to the cluster. */
export class Cluster implements Disposable {
  readonly access: ClusterAccess;
  readonly #http: HttpClient;
  readonly #ended = new AbortController();

  private constructor(access: ClusterAccess) {
    this.access = access;
    this.#http = new HttpClient(new URL(access.server), { tls: access.tls });
  }

  /** Throws ExpectedError if the kubeconfig names no cluster. */
  static async of(kubeconfig: string | undefined): Promise<Cluster> {
    if (kubeconfig === undefined)
      throw new ExpectedError("cannot measure: KUBECONFIG does not name a cluster");
    return new Cluster(await accessTo(kubeconfig));
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#http.close();
  }

  /** Sends a request. Throws for a status other than 2xx and the expected ones. */
  async send(call: PlainCall, expect: readonly number[] = []): Promise<HttpAnswer> {
    const answer = await this.#http.request({ ...this.#request(call), timeoutMs: TIMEOUT_MS });
    if (Math.floor(answer.status / 100) === 2 || expect.includes(answer.status)) return answer;
    throw new ExpectedError(`cannot ${call.method} "${call.path}": answered ${answer.status}`);
  }

  /** Starts a watch, which ends with the cluster's disposal; resolves when it is open. */
  async watch(path: string, onLine: (line: string, atMs: number) => void): Promise<void> {
    // Without a resourceVersion the server waits until its cache is up to date, which can take long when nothing is written.
    const request = this.#request({ method: "GET", path: `${path}?watch=1&resourceVersion=0` });
    const signal = this.#ended.signal;
    // A watch may have nothing to tell for as long as a figure takes.
    const open = (): Promise<HttpStream> =>
      this.#http.stream({ ...request, timeoutMs: TIMEOUT_MS, idleMs: 0, signal });
    const first = await open();
    const read = async (): Promise<void> => {
      // A new API server ends its watches when its caches are filled; a new watch starts with all objects again.
      for (let stream = first; !signal.aborted; stream = await open()) {
        for await (const lines of linesOf(stream.chunks)) {
          for (const line of lines) onLine(String(line), Date.now());
        }
      }
    };
    read().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  /** Creates a namespace in which pods can be created; disposal deletes it. */
  async namespace(): Promise<Namespace> {
    const name = `kubectl-prefect-bench-${crypto.randomUUID().slice(0, 8)}`;
    const metadata = { name, labels: { "kubectl-prefect/bench": "true" } };
    await this.send({ method: "POST", path: "/api/v1/namespaces", body: { metadata } });
    // Without it every pod is rejected.
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await this.#until(account, ({ status }) => status === 200);
    return new Namespace(this, name);
  }

  /** Resolves when the collection is empty. */
  async untilEmpty(path: string): Promise<void> {
    await this.#until(`${path}?limit=1`, isEmpty);
  }

  /** Deletes the objects of a collection, page by page: for thousands in one request the API server takes too long. */
  async deleteAll(path: string): Promise<void> {
    const body = { propagationPolicy: "Background" };
    const call = { method: "DELETE", path: `${path}?limit=${DELETE_AT_ONCE}`, body };
    await this.#until(`${path}?limit=1`, isEmpty, async () => void (await this.send(call)));
  }

  async #until(
    path: string,
    isDone: (answer: HttpAnswer) => boolean,
    act = (): Promise<unknown> => setTimeout(POLL_MS),
  ): Promise<void> {
    const until = Date.now() + WAIT_MS;
    while (!isDone(await this.send({ method: "GET", path }, [404]))) {
      if (Date.now() > until) throw new ExpectedError(`cannot wait for "${path}": it takes too long`);
      await act();
    }
  }

  #request(call: PlainCall) {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const type = body === undefined ? {} : { "content-type": call.contentType ?? "application/json" };
    const url = new URL(this.access.server + call.path);
    return { method: call.method, url, headers: { ...this.access.headers, ...type }, body };
  }
}

/** A temporary namespace. Disposal waits until its Jobs and pods are deleted. */
export class Namespace implements AsyncDisposable {
  readonly name: string;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.name = name;
  }

  /** Watches for each flow run's first matching event of this resource. */
  async firstEvents(
    resource: "jobs" | "pods",
    of: (line: string) => boolean = isAdded,
  ): Promise<FirstEvents> {
    const group = resource === "jobs" ? "/apis/batch/v1" : "/api/v1";
    const firstEvents = new FirstEvents(of);
    await this.#cluster.watch(`${group}/namespaces/${this.name}/${resource}`, (line, atMs) =>
      firstEvents.record(line, atMs),
    );
    return firstEvents;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { name } = this;
    const body = { propagationPolicy: "Background" };
    // The garbage collector takes minutes for the pods of thousands of Jobs.
    const paths = [`/apis/batch/v1/namespaces/${name}/jobs`, `/api/v1/namespaces/${name}/pods`];
    for (const path of paths) await this.#cluster.deleteAll(path);
    // Its deletion takes longer, but does not affect the next round.
    await this.#cluster.send({ method: "DELETE", path: `/api/v1/namespaces/${name}`, body });
  }
}

function isEmpty({ body }: HttpAnswer): boolean {
  return arrayIn(objectIn(JSON.parse(body))["items"]).length === 0;
}

const FLOW_RUN = /"prefect\.io\/flow_run_id":"([^"]+)"/;
const REACH_MS = 120_000;

/** Each flow run's first matching watch event, with its time. */
export class FirstEvents {
  readonly atMs = new Map<string, number>();
  readonly lines = new Map<string, string>();
  readonly #of: (line: string) => boolean;
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();

  constructor(of: (line: string) => boolean) {
    this.#of = of;
  }

  /** Records a line of the watch. Does not parse it, to save processor time. */
  record(line: string, atMs: number): void {
    if (!this.#of(line)) return;
    const id = FLOW_RUN.exec(line)?.[1];
    if (id === undefined || this.atMs.has(id)) return;
    this.atMs.set(id, atMs);
    this.lines.set(id, line);
    for (const waiting of this.#waiting) if (this.atMs.size >= waiting.count) waiting.resolve();
  }

  /** Resolves when this many flow runs have an event; rejects after the timeout. */
  async reach(count: number): Promise<void> {
    if (this.atMs.size >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add({ count, resolve });
    const finished = new AbortController();
    const timeout = setTimeout(REACH_MS, undefined, { signal: finished.signal }).then(() => {
      throw new ExpectedError(`cannot wait for ${count} events: the watch reported ${this.atMs.size}`);
    });
    await Promise.race([promise, timeout]).finally(() => finished.abort());
    await timeout.catch(() => {});
  }

  lastAtMs(): number {
    return Math.max(...this.atMs.values());
  }
}

function isAdded(line: string): boolean {
  return line.startsWith('{"type":"ADDED"');
}
