// Whose the Jobs of a run are, and which process reports them. Only processes of a Job's own agent act on it; of these, first
// the one that created it, and another if that one does not do in time what is due. A Job whose agent is gone is adopted.

import { hash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { isRefusal } from "../kube/client/errors.ts";
import type { Job } from "../kube/client/objects.ts";
import { AGENT_ANNOTATION } from "../job/labels.ts";
import type { ObservedJob } from "../job/observe/observed.ts";
import { isOriginals, ownerOf, ownerText, type JobOwner } from "../job/owner.ts";
import { isSameAgent, takesRun, type AgentIdentity } from "../orchestrator/agent-identity.ts";
import type { RunStatus } from "../orchestrator/flow-run.ts";
import type { OtherAgents, Presence } from "./other-agents.ts";

export interface OwnershipDeps {
  readonly kube: Pick<KubeApi, "patch">;
  readonly clock: Pick<Clock, "ticks">;
  readonly kubeTime: Pick<Clock, "now">;
  readonly others: Pick<OtherAgents, "presence" | "presenceOfUnknown">;
}

/**
 * `ours`: of this agent; `reportable`: its agent has been gone for long and no agent could adopt it, so its end is reported,
 * but it is not deleted; `others`: of another agent.
 */
export type Standing = "ours" | "reportable" | "others";

/** A wait for the process that comes first, and what was due when it began. */
interface Wait {
  readonly since: number;
  readonly process?: string | undefined;
  readonly due?: readonly string[] | undefined;
}

/** How long the process that comes first may take to do what is due. */
export const PROCESS_TIMEOUT_MS = 10_000;
/** A Job this young is a sign of life of the agent that made it; its polls are read less often. */
const SIGN_OF_LIFE_MS = 60_000;
/** A deleted Job has no annotation to patch: processes report it after different delays up to this. */
const MAX_DELAY_MS = 3_000;
/** When to retry after another process changed the Job at the same time. */
const CONFLICT_RETRY_MS = 500;

export class Ownership {
  readonly #deps: OwnershipDeps;
  /** This process of this agent. */
  readonly #self: JobOwner;
  readonly #delayMs: number;
  readonly #waiting = new Map<string, Wait>();
  /** Uids of Jobs and ids of runs that this process reports, whatever their annotation says. */
  readonly #owned = new Set<string>();
  /** Uids of Jobs that another process owned at first, whatever their annotation says now. */
  readonly #takenOver = new Set<string>();

  constructor(self: JobOwner, deps: OwnershipDeps) {
    this.#self = self;
    this.#deps = deps;
    this.#delayMs = Number.parseInt(hash("sha256", self.process, "hex").slice(0, 8), 16) % MAX_DELAY_MS;
  }

  /** Whether the Job's annotation names this agent, or this process has adopted the Job. */
  isOurs({ metadata }: Job): boolean {
    const owner = ownerOf(metadata);
    return this.#owned.has(metadata.uid) || (owner !== undefined && isSameAgent(owner, this.#self));
  }

  /** Whether the Job's annotation names another agent, which is alive. */
  isLivingAgents(job: Job): boolean {
    const owner = ownerOf(job.metadata);
    return owner !== undefined && !this.isOurs(job) && this.#deps.others.presence(owner) === "alive";
  }

  /** Whether this process created the Job, so that nobody else can have reported it. */
  isOwn({ metadata }: Job): boolean {
    return !this.#takenOver.has(metadata.uid) && ownerOf(metadata)?.process === this.#self.process;
  }

  /** Whose the Job is; adopts one whose agent is gone, if this agent may. Throws KubeError. */
  async standing(observed: ObservedJob, flowRunId: string, run: RunStatus): Promise<Standing> {
    const { job, gone } = observed;
    if (this.isOurs(job)) return "ours";
    const owner = ownerOf(job.metadata) ?? run.agent;
    if (owner !== undefined && isSameAgent(owner, this.#self)) return "ours";
    const presence = this.#presenceOf(owner, flowRunId);
    if (presence === "alive" || this.#isYoung(job)) return "others";
    if (!this.mayAdopt(owner, run.labels)) return presence === "long gone" ? "reportable" : "others";
    this.#takenOver.add(job.metadata.uid);
    if (gone) return "ours";
    return (await this.#take(job)) ? "ours" : "others";
  }

  #isYoung({ metadata }: Job): boolean {
    return this.#deps.kubeTime.now().getTime() - Date.parse(metadata.creationTimestamp) < SIGN_OF_LIFE_MS;
  }

  /** Whether a run without Jobs is this agent's by Prefect's record, or left by an agent that is gone. */
  isOursWithoutJob(flowRunId: string, run: RunStatus): boolean {
    if (run.kind !== "known" || this.#owned.has(flowRunId)) return true;
    const { agent, labels } = run;
    if (agent !== undefined && isSameAgent(agent, this.#self)) return true;
    return this.#presenceOf(agent, flowRunId) !== "alive" && this.mayAdopt(agent, labels);
  }

  #presenceOf(owner: AgentIdentity | undefined, flowRunId: string): Presence {
    const { others } = this.#deps;
    return owner === undefined ? others.presenceOfUnknown(flowRunId) : others.presence(owner);
  }

  /** Whether this agent may adopt what an agent that is gone has left: it has its name, or could have claimed the run. */
  mayAdopt(owner: AgentIdentity | undefined, runLabels: readonly string[] | undefined): boolean {
    if (owner?.name === this.#self.name) return true;
    return runLabels !== undefined && takesRun(this.#self.labels, runLabels);
  }

  /**
   * Whether this process may do now what is due for a Job of this agent: undefined if yes, else how many milliseconds to
   * wait for the process that comes first. `due` names what is due: if that process has done all that was due when the wait
   * began, it has its time again for the rest. Taking over patches the annotation with the Job's resourceVersion, so that only
   * one of two processes succeeds.
   */
  async mayAct(observed: ObservedJob, due: readonly string[]): Promise<number | undefined> {
    const { job, gone } = observed;
    const leftMs = this.#msToTurn(observed, due);
    if (leftMs === undefined) return undefined;
    if (leftMs > 0) return leftMs;
    this.#waiting.delete(job.metadata.uid);
    if (gone) return undefined;
    return (await this.#take(job)) ? undefined : CONFLICT_RETRY_MS;
  }

  /** Whether the process that comes first has had its time, so that this one would take over. */
  wouldTakeOver(observed: ObservedJob, due: readonly string[]): boolean {
    return (this.#msToTurn(observed, due) ?? 1) <= 0;
  }

  /** Call when nothing was due after all: next time the process that comes first gets its time again. */
  stopWaiting({ metadata }: Job): void {
    this.#waiting.delete(metadata.uid);
  }

  /** How many milliseconds the process that comes first has left; undefined: it is this one. */
  #msToTurn({ job: { metadata }, gone }: ObservedJob, due: readonly string[]): number | undefined {
    const { uid } = metadata;
    const process = ownerOf(metadata)?.process;
    if (this.#owned.has(uid) || process === this.#self.process) return undefined;
    this.#takenOver.add(uid);
    return this.#remainingMs(uid, PROCESS_TIMEOUT_MS + (gone ? this.#delayMs : 0), { process, due });
  }

  /** Call when this process reports all Jobs of the run: it then also reports the run's end when no Job is left. */
  own(flowRunId: string): void {
    this.#owned.add(flowRunId);
  }

  /** Whether this process may report the end of a run without Jobs: undefined if yes, else how many milliseconds to wait. */
  mayReportEnd(flowRunId: string): number | undefined {
    if (this.#owned.has(flowRunId)) return undefined;
    const leftMs = this.#remainingMs(flowRunId, PROCESS_TIMEOUT_MS + this.#delayMs);
    return leftMs > 0 ? leftMs : undefined;
  }

  /** Forgets a Job by its uid, or a run by its id. */
  forget(id: string): void {
    this.#waiting.delete(id);
    this.#owned.delete(id);
    this.#takenOver.delete(id);
  }

  /** Forgets all other Jobs and runs; no further decision is made about a Job that this process deleted. */
  keepOnly(ids: ReadonlySet<string>): void {
    const known = [...this.#waiting.keys(), ...this.#owned, ...this.#takenOver];
    for (const id of known) if (!ids.has(id)) this.forget(id);
  }

  /** The rest of a wait for a process, which began with the first call for this Job's uid or run's id. */
  #remainingMs(id: string, ms: number, { process, due }: Omit<Wait, "since"> = {}): number {
    const now = this.#deps.clock.ticks();
    const known = this.#waiting.get(id);
    // Another process that has just taken over gets its time, too.
    const isStillDue = due === undefined || known?.due?.some((each) => due.includes(each)) === true;
    const goesOn = known?.process === process && isStillDue;
    const wait = known !== undefined && goesOn ? known : { since: now, process, due };
    this.#waiting.set(id, wait);
    return wait.since + ms - now;
  }

  /**
   * Makes this process the Job's; false: another process changed the Job at the same time. Where the patch is refused, for want of
   * a permission or by an admission policy, it reports all the same: better twice than never.
   */
  async #take({ metadata }: Job): Promise<boolean> {
    const { name, namespace, resourceVersion, uid } = metadata;
    const fromOriginal = isOriginals(metadata) || undefined;
    const annotations = { [AGENT_ANNOTATION]: ownerText({ ...this.#self, fromOriginal }) };
    const patch = { metadata: { resourceVersion, annotations } };
    const patching = this.#deps.kube.patch("jobs", { namespace, name }, patch).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
    const isTaken = (await patching) !== "changed";
    if (isTaken) this.#owned.add(uid);
    return isTaken;
  }
}
