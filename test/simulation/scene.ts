// A world as it is played: its servers, agents and runs, everything that happens to them as facts, and who watches.

import { hash } from "node:crypto";
import { agentKey } from "../../src/orchestrator/agent-identity.ts";
import type { AgentIdentity } from "../../src/orchestrator/agent-identity.ts";
import type { Job } from "../../src/kube/client/objects.ts";
import { ActiveActs } from "./active-acts.ts";
import { Chronicle } from "./chronicle.ts";
import type { Actor, JobFact, LineFact, RunFact, StateFact } from "./facts.ts";
import { Knowledge } from "./facts.ts";
import { FlowProcess } from "./flow-process.ts";
import type { Exchange } from "./network.ts";
import { watchKubernetes } from "./observe-kubernetes.ts";
import { watchPrefect } from "./observe-prefect.ts";
import { noteReads } from "./observe-reads.ts";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import type { Fate, Plan, RunPlan } from "./plan.ts";
import { podFate } from "./pod-fates.ts";
import type { Process } from "./process.ts";
import { Replica } from "./replica.ts";
import { World } from "./world.ts";

export interface Violation {
  readonly atMs: number;
  readonly rule: string;
  readonly text: string;
}

export interface JobEvent {
  readonly kind: "created" | "deletion" | "gone";
  readonly job: JobFact;
  readonly by: Actor;
  /** The Job as it is, or last was. */
  readonly object: Job;
}

export interface StateEvent {
  readonly run: RunFact;
  readonly before: StateFact | undefined;
  readonly now: StateFact;
}

export interface LineEvent {
  readonly run: RunFact;
  readonly message: string;
  readonly by: Actor;
  /** The same line, if it was written before. */
  readonly earlier: LineFact | undefined;
}

/** What an invariant looks at. */
export interface Watcher {
  readonly onJob?: (event: JobEvent) => void;
  readonly onState?: (event: StateEvent) => void;
  readonly onLine?: (event: LineEvent) => void;
  readonly onRequest?: (from: Process) => void;
  /** Every ten seconds. */
  readonly onTick?: () => void;
}

export const KUBERNETES: Actor = { kind: "Kubernetes", name: "Kubernetes" };
export const PERSON: Actor = { kind: "person", name: "a person" };
export const PREFECT: Actor = { kind: "Prefect", name: "Prefect" };
const FLOW: Actor = { kind: "flow", name: "the flow" };

export class Scene {
  readonly plan: Plan;
  readonly world: World;
  readonly chronicle: Chronicle;
  readonly knowledge = new Knowledge();
  readonly runs = new Map<string, RunFact>();
  readonly jobs = new Map<string, JobFact>();
  readonly replicas: readonly Replica[];
  readonly acts: ActiveActs;
  readonly violations: Violation[] = [];
  readonly watchers: Watcher[] = [];
  readonly #processes = new Map<Process, Actor>();
  readonly #attempts = new Map<string, number>();
  /** What the processes in pods do, by the pods' names. */
  readonly #fates = new Map<string, Fate>();
  /** Who does what happens now. */
  actor: Actor = KUBERNETES;

  constructor(plan: Plan, isTraced: boolean) {
    this.plan = plan;
    this.acts = new ActiveActs(this);
    this.world = new World({
      seed: plan.chance,
      clusters: plan.clusters,
      prefects: plan.prefects,
      kube: { namespaces: ["flows"], podBackoffMs: 10_000, killMs: 1_000 },
      prefect:
        plan.flavour === "server"
          ? { flavour: "server" }
          : { flavour: "cloud", versionLocking: plan.flavour === "cloud with versions" },
      network: {
        mishap: (request) => this.acts.mishap(request),
        onArrival: (from) => {
          this.actor = this.actorOf(from);
        },
        onExchange: (exchange) => {
          this.actor = KUBERNETES;
          if (isTraced) this.#trace(exchange);
          noteReads(this, exchange);
          for (const { onRequest } of this.watchers) onRequest?.(exchange.from);
        },
      },
      flows: {
        script: (job, pod) => {
          const run = this.runOf(job);
          if (run === undefined) return "succeed";
          const attempt = this.#attempts.get(run.id) ?? 0;
          this.#attempts.set(run.id, attempt + 1);
          const { script, process, isFatal } = podFate(run.plan, pod, attempt);
          if (isFatal) this.cause(run, run.plan.fate, run.plan.fate === "is evicted");
          if (process !== undefined) this.#fates.set(pod.metadata.name, process);
          return script;
        },
        onPhase: (job, pod, phase) => {
          const run = this.runOf(job);
          if (phase === "Running" && run !== undefined) this.#startFlow(run, job, pod.metadata);
        },
      },
    });
    this.chronicle = new Chronicle(this.world.time.nowMs);
    this.world.kubes.forEach((kube, cluster) => watchKubernetes(this, kube, cluster));
    this.world.prefects.forEach((prefect) => watchPrefect(this, prefect));
    this.replicas = plan.agents.flatMap((agent, at) =>
      Array.from({ length: agent.replicas }, (_, replica) => new Replica(this, agent, { at, replica })),
    );
  }

  get nowMs(): number {
    return this.world.time.nowMs;
  }

  /** Runs the function as this actor. */
  as(actor: Actor, act: () => void): void {
    const before = this.actor;
    this.actor = actor;
    act();
    this.actor = before;
  }

  addProcess(process: Process, actor: Actor): void {
    this.#processes.set(process, actor);
  }

  actorOf(process: Process): Actor {
    return this.#processes.get(process) ?? KUBERNETES;
  }

  tell(what: string, who = this.actor.name): void {
    this.chronicle.add({ atMs: this.nowMs, who, what });
  }

  violated(rule: string, text: string): void {
    this.violations.push({ atMs: this.nowMs, rule, text });
    this.tell(`${rule}: ${text}`, "VIOLATION");
  }

  cause(run: RunFact, what: string, isDisruption = false): void {
    run.causes.push({ atMs: this.nowMs, what, isDisruption });
  }

  runOf(job: Pick<Job, "metadata">): RunFact | undefined {
    return this.runs.get(job.metadata.labels?.[FLOW_RUN_LABEL] ?? "");
  }

  addRun(plan: RunPlan, name: string): void {
    const prefectAt = plan.prefect % this.world.prefects.length;
    const prefect = this.world.prefects[prefectAt] ?? this.world.prefect;
    const flow = prefect.createFlow({ name: "etl", tasks: [{ slug: "work-1", maxRetries: 1 }] });
    const startTime = new Date(this.nowMs + plan.dueInS * 1_000);
    this.as(PERSON, () => {
      const { id } = prefect.createFlowRun({ flow, labels: plan.labels, startTime, name });
      const run: RunFact = {
        id,
        name,
        plan,
        prefect: prefectAt,
        states: prefect.history(id).map(({ type, version }) => ({
          atMs: this.nowMs,
          by: PERSON,
          type,
          message: "",
          version,
          claim: undefined,
        })),
        causes: [],
        jobs: [],
        lines: new Map(),
        claims: new Set(),
        claimer: undefined,
        isTouched: false,
        isDeleted: false,
      };
      this.runs.set(id, run);
      this.tell(`${name} is due in ${plan.dueInS} s, with labels [${plan.labels.join()}]; it ${plan.fate}`);
    });
  }

  /** Whether the agent has not polled for about five minutes. */
  isGone(prefect: number, agent: AgentIdentity): boolean {
    const rows = this.world.prefects[prefect]?.agents() ?? [];
    const polls = rows
      .filter(({ name, labels }) => agentKey({ name: name ?? "", labels }) === agentKey(agent))
      .map(({ last_queried: at }) => (at === null ? 0 : new Date(at).getTime()));
    return this.nowMs - Math.max(0, ...polls) >= 290_000;
  }

  tick(): void {
    for (const replica of this.replicas) replica.check();
    for (const { onTick } of this.watchers) onTick?.();
  }

  #trace({ from, request, response }: Exchange): void {
    const { method, url, body = "" } = request;
    const answer =
      response === "cut" || "start" in response
        ? [response === "cut" ? "cut" : "a stream"]
        : [response.status, hash("sha256", response.body).slice(0, 8)];
    const sent = body === "" ? [] : [hash("sha256", body).slice(0, 8)];
    this.tell([method, url.href, ...sent, "→", ...answer].join(" "), this.actorOf(from).name);
  }

  #startFlow(run: RunFact, job: Job, { namespace, name, uid }: Job["metadata"]): void {
    const cluster = this.world.kubes.findIndex(
      (kube) =>
        kube.get("jobs", job.metadata.namespace, job.metadata.name)?.metadata.uid === job.metadata.uid,
    );
    const kube = this.world.kubes[cluster];
    const prefect = this.world.prefects[run.prefect];
    const fate = this.#fates.get(name);
    if (kube === undefined || prefect === undefined || fate === undefined) return;
    const process = new FlowProcess({
      time: this.world.time,
      kube,
      prefect,
      run,
      fate,
      pod: { namespace, name, uid },
      act: (act) => this.as(FLOW, act),
      onCause: (what) => this.cause(run, what),
    });
    // The pod's phase is not stored yet.
    this.world.time.after(0, () => process.start());
  }
}
