// What truly happened to runs and Jobs in a world, and what each agent process has read of it. The invariants judge by it.

import type { JobOwner } from "../../src/job/owner.ts";
import type { AgentPlan, RunPlan } from "./plan.ts";
import type { Process } from "./process.ts";

/** Who does something. */
export interface Actor {
  /** As the story names it. */
  readonly name: string;
  readonly kind: "agent" | "flow" | "person" | "cleanup" | "Prefect" | "Kubernetes";
  /** The agent, by its number in the plan, and its process. */
  readonly agent?: AgentActor | undefined;
}

export interface AgentActor {
  readonly at: number;
  readonly plan: AgentPlan;
  readonly process: Process;
}

/** A state that a run got. */
export interface StateFact {
  readonly atMs: number;
  readonly by: Actor;
  readonly type: string;
  readonly message: string;
  readonly version: number;
  /** The claim in it, if an agent of this program wrote it. */
  readonly claim: string | undefined;
}

/** Something that may be why a run fails. */
export interface Cause {
  readonly atMs: number;
  readonly what: string;
  /** A disruption: the run may be started again. */
  readonly isDisruption?: boolean | undefined;
}

export interface JobFact {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly cluster: number;
  readonly run: RunFact;
  readonly createdMs: number;
  readonly by: Actor;
  /** Its owner as its annotation names it now. */
  owner: JobOwner | undefined;
  endedMs: number | undefined;
  hasFailed: boolean;
  deletedMs: number | undefined;
  deletedBy: Actor | undefined;
  isGone: boolean;
}

export interface LineFact {
  readonly atMs: number;
  readonly by: Actor;
}

export interface RunFact {
  readonly id: string;
  /** As the story names it. */
  readonly name: string;
  readonly plan: RunPlan;
  readonly prefect: number;
  readonly states: StateFact[];
  readonly causes: Cause[];
  readonly jobs: JobFact[];
  /** Lines that agents wrote to its log. */
  readonly lines: Map<string, LineFact>;
  /** Ids of claims: of the run, and of its task runs. */
  readonly claims: Set<string>;
  /** Who claimed it last. */
  claimer: Actor | undefined;
  /** A person, or one of Prefect's services, has changed it. */
  isTouched: boolean;
  isDeleted: boolean;
}

/** The newest state that a process has read of a run, and when the server read it. */
export interface Read {
  readonly atMs: number;
  readonly version: number;
}

/** What each process has read, by run. */
export class Knowledge {
  readonly #states = new Map<Process, Map<string, Read>>();
  readonly #logs = new Map<Process, Map<string, number>>();

  /** An older response may come after a newer one. */
  readState(process: Process, run: string, { atMs, version }: Read): void {
    const { atMs: before = atMs, version: known = version } = this.state(process, run) ?? {};
    const newest = { atMs: Math.max(atMs, before), version: Math.max(version, known) };
    entryOf(this.#states, process).set(run, newest);
  }

  readLog(process: Process, run: string, atMs: number): void {
    entryOf(this.#logs, process).set(run, Math.max(atMs, this.log(process, run) ?? atMs));
  }

  state(process: Process, run: string): Read | undefined {
    return this.#states.get(process)?.get(run);
  }

  /** When the process last read the run's log. */
  log(process: Process, run: string): number | undefined {
    return this.#logs.get(process)?.get(run);
  }
}

function entryOf<T>(all: Map<Process, Map<string, T>>, process: Process): Map<string, T> {
  const known = all.get(process) ?? new Map<string, T>();
  all.set(process, known);
  return known;
}
