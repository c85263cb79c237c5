// One replica of an agent's Deployment: it is started, killed, paused, and started again when it ends.

import type { SimulatedAgent } from "./agent-process.ts";
import type { AgentPlan } from "./plan.ts";
import type { Process } from "./process.ts";
import type { Deployed, Scene } from "./scene.ts";

const RESTART_MS = 10_000;

export class Replica implements Deployed {
  readonly plan: AgentPlan;
  /** The agent's number in the plan. */
  readonly at: number;
  readonly #scene: Scene;
  readonly #replica: number;
  #starts = 0;
  #current: SimulatedAgent | undefined;
  /** When it was last started. */
  startedMs = 0;

  constructor(
    scene: Scene,
    plan: AgentPlan,
    { at, replica }: { readonly at: number; readonly replica: number },
  ) {
    this.#scene = scene;
    this.plan = plan;
    this.at = at;
    this.#replica = replica;
  }

  get current(): SimulatedAgent | undefined {
    return this.#current;
  }

  get process(): Process | undefined {
    return this.#current?.process;
  }

  get cluster(): number {
    return this.plan.cluster % this.#scene.world.kubes.length;
  }

  get prefect(): number {
    return this.plan.prefect % this.#scene.world.prefects.length;
  }

  /** Whether it polls, or has polled. */
  get hasBegun(): boolean {
    return this.#current?.lines.some((line) => line.includes("Waiting for flow runs")) ?? false;
  }

  start(): void {
    const { plan } = this;
    const { world } = this.#scene;
    const seconds = (value: number | undefined): string => (value === undefined ? "never" : `${value}s`);
    const isServer = this.#scene.plan.flavour === "server";
    this.#current = world.start({
      name: plan.name,
      labels: plan.labels,
      cluster: this.cluster,
      prefect: this.prefect,
      namespace: plan.namespace,
      env: { MADE_BY: String(this.at) },
      backend: isServer ? "server" : "cloud",
      ...(isServer ? {} : { apiKey: "simulated" }),
      flags: {
        onDisruption: plan.onDisruption,
        cancelGrace: `${plan.cancelGraceS}s`,
        deleteSucceededAfter: seconds(plan.deleteSucceededAfterS),
        deleteFailedAfter: seconds(plan.deleteFailedAfterS),
        leaderElect: plan.leaderElect,
        limit: plan.limit === undefined ? undefined : String(plan.limit),
      },
    });
    this.#starts++;
    this.startedMs = this.#scene.nowMs;
    const name = `agent ${this.at}${"ab"[this.#replica] ?? ""}${this.#starts > 1 ? `.${this.#starts}` : ""}`;
    const { process } = this.#current;
    this.#scene.addProcess(process, { kind: "agent", name, agent: { at: this.at, plan, process } });
    this.#scene.tell(
      `starts as "${plan.name}" with labels [${plan.labels.join()}] in ${plan.namespace} of cluster ${this.cluster}`,
      name,
    );
    this.#scene.acts.apply();
  }

  /** What the story calls it. */
  get name(): string {
    return this.process === undefined ? `agent ${this.at}` : this.#scene.actorOf(this.process).name;
  }

  kill(): void {
    this.process?.kill();
    this.#current = undefined;
  }

  /** Starts it again when it has ended by itself. */
  check(): void {
    const end = this.#current?.end();
    if (end === undefined) return;
    const { error } = end;
    const text = error instanceof Error ? error.message : String(error);
    if (!this.#mayEnd()) this.#scene.violated("an agent ends only when it may", `${this.name}: ${text}`);
    this.#scene.tell(`ends: ${text}`, this.name);
    this.kill();
    this.#scene.world.time.after(RESTART_MS, () => this.start());
  }

  /** Before its first poll, missing rights and refused credentials end it. */
  #mayEnd(): boolean {
    return !this.hasBegun && this.#scene.acts.hasRefused(this.startedMs);
  }
}
