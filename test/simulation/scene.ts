// A world as it is played: its servers, agents and runs, everything that happens to them as facts, and who watches.

import { agentKey } from "../../src/orchestrator/agent-identity.ts";
import type { AgentIdentity } from "../../src/orchestrator/agent-identity.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { Job } from "../../src/kube/client/objects.ts";
import { Chronicle } from "./chronicle.ts";
import type { Actor, JobFact, LineFact, RunFact, StateFact } from "./facts.ts";
import { Knowledge } from "./facts.ts";
import type { HttpRequest } from "../../src/http/exchange.ts";
import type { SimulatedAgent } from "./agent-process.ts";
import type { Exchange, Mishap } from "./network.ts";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import type { ActKind, ActPlan, AgentPlan, Plan, RunPlan } from "./plan.ts";
import type { Process } from "./process.ts";
import { World } from "./world.ts";
import type { Flows } from "./world.ts";

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
  /** When its request left the process. */
  readonly sentMs: number;
  /** The same line, if it was written before. */
  readonly earlier: LineFact | undefined;
}

/** With which code a container ends that is told to: most do not handle SIGTERM. */
const KILLED_EXITS = [137, 137, 143, 1, 0];

/** What an invariant looks at. */
export interface Watcher {
  readonly onJob?: (event: JobEvent) => void;
  readonly onState?: (event: StateEvent) => void;
  readonly onLine?: (event: LineEvent) => void;
  /** A server has handled a request. */
  readonly onExchange?: (exchange: Exchange) => void;
  /** A process gets the response. */
  readonly onDelivery?: (exchange: Exchange) => void;
  /** Every ten seconds. */
  readonly onTick?: () => void;
}

/** A replica of an agent's Deployment. */
export interface Deployed {
  readonly plan: AgentPlan;
  /** As the story names it. */
  readonly name: string;
  readonly cluster: number;
  readonly prefect: number;
  readonly current: SimulatedAgent | undefined;
  readonly process: Process | undefined;
  /** When it was last started. */
  readonly startedMs: number;
  start(): void;
  kill(): void;
  /** Starts it again when it has ended by itself. */
  check(): void;
}

/** The acts of the plan that are under way. */
export interface Acts {
  /** When the last of them ended; undefined while there are any. */
  readonly calmSinceMs: number | undefined;
  /** Begins an act now, and ends it in its time. */
  begin(act: ActPlan): void;
  /** Whether such an act is under way; `target` of so many: against this one. */
  has(kind: ActKind, target?: number, of?: number): boolean;
  /** Whether a process that has run since then may have been refused. */
  hasRefused(sinceMs: number): boolean;
  /** Makes servers and networks as the acts under way want them. */
  apply(): void;
  /** What goes wrong with a request now. */
  mishap(request: HttpRequest): Mishap | undefined;
}

/** What a scene is played with; made for it by stage.ts. */
export interface Props {
  readonly acts: Acts;
  readonly flows: Flows;
  readonly replicas: readonly Deployed[];
}

export const KUBERNETES: Actor = { kind: "Kubernetes", name: "Kubernetes" };
export const PERSON: Actor = { kind: "person", name: "a person" };
export const PREFECT: Actor = { kind: "Prefect", name: "Prefect" };
export const FLOW: Actor = { kind: "flow", name: "the flow" };

/** Agents read every 15 s which others poll; a tick comes every 10 s. */
const READ_AGENTS_MS = 30_000;

export class Scene {
  readonly plan: Plan;
  readonly world: World;
  readonly chronicle: Chronicle;
  readonly knowledge = new Knowledge();
  readonly runs = new Map<string, RunFact>();
  readonly jobs = new Map<string, JobFact>();
  /** Uids of pods whose processes ended with their node. */
  readonly lostPods = new Set<string>();
  readonly violations: Violation[] = [];
  readonly watchers: Watcher[] = [];
  readonly #processes = new Map<Process, Actor>();
  readonly #props: Props;
  /** When each agent was last seen to be gone. */
  readonly #goneMs = new Map<string, number>();
  /** Who does what happens now. */
  actor: Actor = KUBERNETES;
  /** When the request left that is being handled. */
  sentMs = 0;

  /** `props` is called once, with the scene before it has a world. */
  constructor(plan: Plan, props: (scene: Scene) => Props) {
    this.plan = plan;
    this.#props = props(this);
    const { acts, flows } = this.#props;
    this.world = new World({
      seed: plan.chance,
      clusters: plan.clusters,
      prefects: plan.prefects,
      kube: {
        namespaces: ["flows"],
        podBackoffMs: 10_000,
        killMs: 6_000,
        killedExit: () => KILLED_EXITS[Math.floor(this.world.random() * KILLED_EXITS.length)] ?? 137,
      },
      prefect:
        plan.flavour === "server"
          ? { flavour: "server" }
          : { flavour: "cloud", versionLocking: plan.flavour === "cloud with versions" },
      network: {
        mishap: (request) => acts.mishap(request),
        onArrival: (from, sentMs) => {
          this.actor = this.actorOf(from);
          this.sentMs = sentMs;
        },
        onExchange: (exchange) => {
          this.actor = KUBERNETES;
          for (const { onExchange } of this.watchers) onExchange?.(exchange);
        },
        onDelivery: (exchange) => {
          for (const { onDelivery } of this.watchers) onDelivery?.(exchange);
        },
      },
      flows,
    });
    this.chronicle = new Chronicle(this.world.time.nowMs);
  }

  get acts(): Acts {
    return this.#props.acts;
  }

  get replicas(): readonly Deployed[] {
    return this.#props.replicas;
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
      const runConfig = runConfigOf(plan);
      const { id } = prefect.createFlowRun({ flow, labels: plan.labels, startTime, name, ...runConfig });
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
      this.tell(
        `${name} is due in ${plan.dueInS} s, with labels [${plan.labels.join()}]; it ${plan.outcome}`,
      );
    });
  }

  /** Whether the agent has not polled for about five minutes, or had not when others last read of it. */
  isGone(prefect: number, agent: AgentIdentity): boolean {
    const goneMs = this.#goneMs.get(`${prefect} ${agentKey(agent)}`) ?? -Infinity;
    return this.nowMs - goneMs < READ_AGENTS_MS || this.#isSilent(prefect, agent);
  }

  #isSilent(prefect: number, agent: AgentIdentity): boolean {
    const rows = this.world.prefects[prefect]?.agents() ?? [];
    const polls = rows
      .filter(({ name, labels }) => agentKey({ name: name ?? "", labels }) === agentKey(agent))
      .map(({ last_queried: at }) => (at === null ? 0 : new Date(at).getTime()));
    return this.nowMs - Math.max(0, ...polls) >= 290_000;
  }

  tick(): void {
    for (const replica of this.replicas) replica.check();
    for (const { plan, prefect } of this.replicas)
      if (this.#isSilent(prefect, plan)) this.#goneMs.set(`${prefect} ${agentKey(plan)}`, this.nowMs);
    for (const { onTick } of this.watchers) onTick?.();
  }
}

/** Its own job template, if it wants Kubernetes' retries. */
function runConfigOf({ backoffLimit }: RunPlan): { readonly runConfig?: JsonObject } {
  if (backoffLimit === undefined) return {};
  const spec = { backoffLimit, template: { spec: { containers: [{ name: "flow" }] } } };
  const jobTemplate = { apiVersion: "batch/v1", kind: "Job", spec };
  return { runConfig: { type: "KubernetesRun", image: "flow:1", job_template: jobTemplate } };
}
