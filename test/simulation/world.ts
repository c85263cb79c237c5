// A world: Kubernetes clusters, Prefects and agents in one process and in virtual time. The agents are the real code; only
// sockets and clocks are simulated.

import type { JsonObject } from "../../src/base/json.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import { takeBytesFrom } from "../fakes/chance.ts";
import { fakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes, FakeKubernetesOptions } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { PodScript } from "../fakes/kubernetes/pod-script.ts";
import { fakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1, FakePrefect1Options } from "../fakes/prefect1/fake-prefect1.ts";
import { startAgent } from "./agent-process.ts";
import type { AgentOptions, SimulatedAgent } from "./agent-process.ts";
import { Network } from "./network.ts";
import type { NetworkOptions } from "./network.ts";
import { kubeOrigin, prefectOrigin } from "./origins.ts";
import { Process } from "./process.ts";
import { seededRandom, VirtualTime } from "./virtual-time.ts";

const RUN_LABEL = "prefect.io/flow_run_id";
/** How often a flow's process sends a heartbeat. */
const HEARTBEAT_MS = 30_000;

export interface WorldOptions {
  readonly seed?: number;
  /** How many clusters; 1 without it. */
  readonly clusters?: number;
  readonly kube?: Omit<FakeKubernetesOptions, "script" | "onPhase" | "clock">;
  /** How many Prefects; 1 without it. */
  readonly prefects?: number;
  readonly prefect?: Omit<FakePrefect1Options, "clock">;
  readonly network?: Pick<NetworkOptions, "mishap" | "onArrival" | "onExchange" | "onDelivery">;
  /** What flows do; without it, what `scripts` and `idleRuns` say. */
  readonly flows?: Flows;
}

/** What becomes of the pods of a Job, and what their processes do. */
export interface Flows {
  script(job: Job, pod: Pod, cluster: number): PodScript;
  onPhase(job: Job, pod: Pod, phase: string): void;
}

export class World {
  readonly time = new VirtualTime();
  readonly network: Network;
  readonly random: () => number;
  readonly kubes: readonly FakeKubernetes[];
  readonly prefects: readonly FakePrefect1[];
  readonly #agents: SimulatedAgent[] = [];
  /** What becomes of the pods of a run; without an entry they run for a second, and succeed. */
  readonly scripts = new Map<string, PodScript>();
  /** Runs whose pods do not set the run's state. */
  readonly idleRuns = new Set<string>();

  constructor(options: WorldOptions = {}) {
    const random = seededRandom(options.seed ?? 1);
    this.random = random;
    takeBytesFrom((bytes) => {
      for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(random() * 256);
    });
    this.network = new Network({
      time: this.time,
      latencyMs: () => 1 + 4 * random(),
      ...options.network,
    });
    const { clock } = new Process(this.time, random);
    this.prefects = many(options.prefects, () => fakePrefect1({ ...options.prefect, clock }));
    const flows = options.flows ?? this.#defaultFlows();
    this.kubes = many(options.clusters, (cluster) =>
      fakeKubernetes({
        bookmarkMs: 60_000,
        ...options.kube,
        clock,
        script: (job, pod) => flows.script(job, pod, cluster),
        onPhase: (job, pod, phase) => flows.onPhase(job, pod, phase),
      }),
    );
    for (const [at, { handle }] of this.kubes.entries())
      this.network.add(kubeOrigin(at), { handle, isDown: false });
    for (const [at, { handle }] of this.prefects.entries())
      this.network.add(prefectOrigin(at), { handle, isDown: false });
  }

  /** The first cluster, and the first Prefect. */
  get kube(): FakeKubernetes {
    return this.kubes[0] as FakeKubernetes;
  }

  get prefect(): FakePrefect1 {
    return this.prefects[0] as FakePrefect1;
  }

  /** Starts an agent process. */
  start(options: AgentOptions = {}): SimulatedAgent {
    const agent = startAgent(this, options);
    this.#agents.push(agent);
    return agent;
  }

  /** Ends all agents. */
  close(): void {
    for (const agent of this.#agents) {
      agent.process.kill();
      // Node keeps a signal made of others, and all that listens to it, until one of these aborts.
      agent.stop();
    }
    takeBytesFrom(undefined);
  }

  /** Takes a server away, or gives it back. */
  setDown(which: "kubernetes" | "prefect", isDown: boolean, at = 0): void {
    this.network.server(which === "kubernetes" ? kubeOrigin(at) : prefectOrigin(at)).isDown = isDown;
  }

  /** A due run of a flow with one task; `script`: what becomes of its pods. */
  dueRun(
    spec: {
      readonly labels?: readonly string[];
      readonly script?: PodScript;
      readonly prefect?: number;
      readonly runConfig?: JsonObject;
    } = {},
  ): string {
    const prefect = this.prefects[spec.prefect ?? 0] ?? this.prefect;
    const flow = prefect.createFlow({ name: "etl", tasks: [{ slug: "work-1", maxRetries: 1 }] });
    const { id } = prefect.createFlowRun({
      flow,
      ...(spec.labels === undefined ? {} : { labels: spec.labels }),
      ...(spec.runConfig === undefined ? {} : { runConfig: spec.runConfig }),
    });
    if (spec.script !== undefined) this.scripts.set(id, spec.script);
    return id;
  }

  state(id: string): string | null | undefined {
    return this.prefectOf(id)?.flowRun(id)?.state;
  }

  messages(id: string): string[] {
    return (this.prefectOf(id)?.logsOf(id) ?? []).map(({ message }) => message ?? "");
  }

  /** The lines of the run's log. */
  logs(id: string): { readonly name: string; readonly level: string; readonly message: string }[] {
    return (this.prefectOf(id)?.logsOf(id) ?? []).map(({ name, level, message }) => ({
      name: name ?? "",
      level: level ?? "",
      message: message ?? "",
    }));
  }

  /** The accepted creations of Jobs in the first cluster, as their paths. */
  createdJobs(): string[] {
    return this.kube.requests.entries
      .filter(({ verb, resource, status }) => verb === "create" && resource === "jobs" && status === 201)
      .map(({ path }) => path);
  }

  /** The names of the run's Jobs that are in the cluster. */
  jobs(id: string, cluster = 0): string[] {
    return (this.kubes[cluster]?.list("jobs") ?? [])
      .filter(({ metadata }) => metadata.labels?.[RUN_LABEL] === id)
      .map(({ metadata }) => metadata.name);
  }

  /** The Prefect that knows the run. */
  prefectOf(id: string): FakePrefect1 | undefined {
    return this.prefects.find((prefect) => prefect.flowRun(id) !== undefined);
  }

  /** A new UUID of this world. */
  newId(): string {
    const hex = (count: number): string =>
      Array.from({ length: count }, () => Math.floor(this.random() * 16).toString(16)).join("");
    return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  }

  #defaultFlows(): Flows {
    const runOf = (job: Job): string => job.metadata.labels?.[RUN_LABEL] ?? "";
    return {
      script: (job) => this.scripts.get(runOf(job)) ?? { outcome: "succeed", runMs: 1_000 },
      onPhase: (job, pod, phase) => this.#live(runOf(job), pod.metadata.uid, phase),
    };
  }

  /** What the flow's own process does: it sets Running and Success, and sends heartbeats meanwhile. */
  #live(id: string, podUid: string, phase: string): void {
    const prefect = this.prefectOf(id);
    const run = prefect?.flowRun(id);
    if (prefect === undefined || run === undefined || this.idleRuns.has(id) || isFinished(run.state ?? ""))
      return;
    if (phase === "Running" && run.state !== "Running") {
      prefect.setState(id, { type: "Running" });
      this.#beat(prefect, id, podUid);
    }
    if (phase === "Succeeded") prefect.setState(id, { type: "Success" });
  }

  #beat(prefect: FakePrefect1, id: string, podUid: string): void {
    this.time.after(HEARTBEAT_MS, () => {
      const pods = this.kubes.flatMap((kube) => kube.list("pods"));
      const pod = pods.find(({ metadata }) => metadata.uid === podUid);
      if (pod?.status?.["phase"] !== "Running" || prefect.flowRun(id)?.state !== "Running") return;
      prefect.heartbeat(id);
      this.#beat(prefect, id, podUid);
    });
  }
}

function many<T>(count: number | undefined, make: (at: number) => T): readonly T[] {
  return Array.from({ length: count ?? 1 }, (_, at) => make(at));
}
