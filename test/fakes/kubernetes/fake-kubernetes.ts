// A Kubernetes API server in this process, with the controllers that Jobs need: for the demo, and for tests.
// Its answers were compared with Kubernetes 1.35 (test/contract/kube-api.spec.ts holds for both).

import type { Clock } from "../../../src/base/clock.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { Access } from "./access.ts";
import type { AccessRule } from "./access.ts";
import { ApiServer } from "./api-server.ts";
import { deleteVersion } from "./deletion.ts";
import { EventRecorder } from "./event-recorder.ts";
import type { Fault, FaultSwitch } from "../faults.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import type { Admission } from "./writes.ts";
import { CERTIFICATE } from "../certificate.ts";
import { HttpServer } from "../http-server.ts";
import type { Handler } from "../http-server.ts";
import { Front } from "./front.ts";
import type { FaultEffect, OnRequest } from "./front.ts";
import { JobController } from "./job-controller.ts";
import type { KubeObject } from "./kube-object.ts";
import { Kubelet } from "./kubelet.ts";
import type { OnPhase, ScriptChooser } from "./pod-script.ts";
import type { RequestLog, RequestRecord } from "./request-log.ts";
import { resourceNamed } from "./resources.ts";
import { addNamespace, addNode, keepAccounts, seedObject } from "./seed.ts";
import { Store } from "./store.ts";
import type { Change } from "./version.ts";

/** How a fake is to be. Everything has its default. */
export interface FakeKubernetesOptions {
  /** 127.0.0.1 without it. */
  readonly host?: string;
  /** 0 without it: any free one. */
  readonly port?: number;
  /** Besides default and kube-system. */
  readonly namespaces?: readonly string[];
  /** Milliseconds between bookmarks; 1000 without it. */
  readonly bookmarkMs?: number;
  /** How many changes of each resource watches can still start from; 10,000 without it. */
  readonly historySize?: number;
  /** Bearer token to user; with TLS. Without it everybody is `admin`; with it, other tokens answer 401 and none at all 403. */
  readonly tokens?: Readonly<Record<string, string>>;
  readonly rules?: readonly AccessRule[];
  /** Whether Jobs get pods; true without it. */
  readonly controller?: boolean;
  /** What becomes of each pod of a Job; without it they succeed at once. */
  readonly script?: ScriptChooser;
  readonly onPhase?: OnPhase;
  readonly onRequest?: OnRequest;
  /** Milliseconds before a failed pod is replaced, doubled with each failure; 10,000 without it, as in a cluster. */
  readonly podBackoffMs?: number;
  /** Milliseconds that a running container takes to end when its pod is deleted; 20 without it. */
  readonly killMs?: number;
  /** With which code it then ends; 137 without it. */
  readonly killedExit?: () => number;
  readonly clock?: Clock;
}

/** A fake. Resources are named `jobs`, `pods` … or `daskclusters.gateway.dask.org`. */
export interface FakeKubernetes {
  readonly url: string;
  /** Answers a request, without a socket. */
  readonly handle: Handler;
  fault(fault: Fault<RequestRecord, FaultEffect>): FaultSwitch;
  clearFaults(): void;
  readonly requests: RequestLog;
  /** How many watches are open. */
  readonly watchCount: number;
  /** Called after every change of an object; the answer ends it. */
  on(listener: (change: Change) => void): () => void;
  /** Told of each request from now on. */
  setOnRequest(hook: OnRequest | undefined): void;
  /** Forbids from now on; the answer takes it back. */
  forbid(rule: AccessRule): () => void;
  /** Refuses objects from now on; undefined: admits all that is valid. */
  setAdmission(admission: Admission | undefined): void;
  /** A kubeconfig for this server, as JSON (which is YAML). */
  kubeconfig(given?: { readonly token?: string; readonly namespace?: string }): string;
  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined;
  list(resource: string, namespace?: string): readonly KubeObject[];
  /** Stores an object as it is given, status included: new, or in place of the one with its name. */
  put(resource: string, object: JsonObject): KubeObject;
  /** Deletes as a user would, if it is there. */
  remove(
    resource: string,
    namespace: string | undefined,
    name: string,
    propagation?: "Background" | "Foreground" | "Orphan",
  ): void;
  /** Its node is down until the answer is called: nothing happens to the pods. */
  holdNode(): () => void;
  /** Adds to a container's log. */
  writeLog(pod: { readonly namespace: string; readonly name: string }, container: string, text: string): void;
  /** Forgets history: watches from older versions, and further pages of lists, answer 410. */
  compact(): void;
  /** Cuts all watches. */
  dropWatches(): void;
  /** Lets all open watches go silent, their connections open. */
  muteWatches(): void;
  /** Refuses and cuts connections; what is stored stays, and goes on living. */
  pause(): Promise<void>;
  /** Takes connections again, at the same address. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a fake. Throws ExpectedError when its address cannot be had. */
export async function startFakeKubernetes(options: FakeKubernetesOptions = {}): Promise<FakeKubernetes> {
  const fake = fakeKubernetes(options);
  await fake.resume();
  return fake;
}

/** A fake that does not listen. */
export function fakeKubernetes(options: FakeKubernetesOptions = {}): FakeKubernetes {
  return new Fake(options);
}

class Fake implements FakeKubernetes {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #api: ApiServer;
  readonly #front: Front;
  readonly #server: HttpServer;
  readonly #tls: boolean;
  readonly #kubelet: Kubelet;
  readonly #parts: readonly { stop: () => void }[];

  constructor(options: FakeKubernetesOptions) {
    const clock = options.clock ?? systemClock;
    const store = new Store(options.historySize ?? 10_000);
    const access = new Access(options.tokens, options.rules ?? []);
    const { host = "127.0.0.1", port = 0, onRequest } = options;
    this.#clock = clock;
    this.#store = store;
    this.#api = new ApiServer(store, clock, { access, bookmarkMs: options.bookmarkMs ?? 1_000 });
    this.#front = new Front(this.#api, clock, onRequest);
    // Clients send no tokens without TLS.
    this.#tls = options.tokens !== undefined;
    this.#server = new HttpServer(this.#front.handle, { host, port, tls: this.#tls });
    const events = new EventRecorder(store, clock);
    const { killMs = 20, killedExit = () => 137, onPhase } = options;
    const { logs } = this.#api;
    this.#kubelet = new Kubelet({ store, clock, logs, events, killMs, killedExit, onPhase });
    this.#parts = [keepAccounts(store, clock), ...this.#controllers(options, events)];
    for (const name of ["default", "kube-system", ...(options.namespaces ?? [])])
      addNamespace(store, clock, name);
    addNode(store, clock);
  }

  get url(): string {
    return this.#server.url;
  }

  get handle(): Handler {
    return this.#front.handle;
  }

  fault(fault: Fault<RequestRecord, FaultEffect>): FaultSwitch {
    return this.#front.faults.add(fault);
  }

  clearFaults(): void {
    this.#front.faults.clear();
  }

  get requests(): RequestLog {
    return this.#front.requests;
  }

  get watchCount(): number {
    return this.#api.watches.size;
  }

  on(listener: (change: Change) => void): () => void {
    return this.#store.listen(undefined, listener);
  }

  setOnRequest(hook: OnRequest | undefined): void {
    this.#front.onRequest = hook;
  }

  forbid(rule: AccessRule): () => void {
    return this.#api.access.forbid(rule);
  }

  setAdmission(admission: Admission | undefined): void {
    this.#api.writes.admission = admission;
  }

  kubeconfig(given: { readonly token?: string; readonly namespace?: string } = {}): string {
    const { token, namespace = "default" } = given;
    const name = "fake";
    const authority = this.#tls
      ? { "certificate-authority-data": Buffer.from(CERTIFICATE).toString("base64") }
      : {};
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{ name, cluster: { server: this.url, ...authority } }],
      users: [{ name, user: token === undefined ? {} : { token } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    });
  }

  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#store.find(resourceNamed(resource), namespace, name)?.object;
  }

  list(resource: string, namespace?: string): readonly KubeObject[] {
    return this.#store.all(resourceNamed(resource), namespace).map((version) => version.object);
  }

  put(resource: string, object: JsonObject): KubeObject {
    return seedObject(this.#store, this.#clock, { type: resourceNamed(resource), object });
  }

  // oxlint-disable-next-line max-params -- an object's three names, and how it is deleted
  remove(
    resource: string,
    namespace: string | undefined,
    name: string,
    propagation: "Background" | "Foreground" | "Orphan" = "Background",
  ): void {
    const version = this.#store.find(resourceNamed(resource), namespace, name);
    if (version !== undefined) deleteVersion(this.#store, version, { propagation, now: this.#clock.now() });
  }

  holdNode(): () => void {
    return this.#kubelet.hold();
  }

  writeLog(
    pod: { readonly namespace: string; readonly name: string },
    container: string,
    text: string,
  ): void {
    const uid = this.get("pods", pod.namespace, pod.name)?.metadata.uid;
    if (uid !== undefined) this.#api.logs.append(uid, container, text);
  }

  compact(): void {
    this.#store.compact();
    this.#api.lists.compact();
  }

  dropWatches(): void {
    this.#api.watches.drop();
  }

  muteWatches(): void {
    this.#api.watches.mute();
  }

  async pause(): Promise<void> {
    await this.#server.close();
  }

  async resume(): Promise<void> {
    await this.#server.open();
  }

  async stop(): Promise<void> {
    for (const part of this.#parts) part.stop();
    this.#api.watches.stop();
    this.clearFaults();
    await this.#server.close();
  }

  #controllers(options: FakeKubernetesOptions, events: EventRecorder): readonly { stop: () => void }[] {
    const [store, clock, kubelet] = [this.#store, this.#clock, this.#kubelet];
    const always = [new GarbageCollector(store, clock), kubelet];
    if (options.controller === false) return always;
    const { podBackoffMs = 10_000, script = () => "succeed" as const } = options;
    return [...always, new JobController({ store, clock, events, kubelet, script, podBackoffMs })];
  }
}
