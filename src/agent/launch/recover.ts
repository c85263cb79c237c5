// Recovers claims without a Job, left by a crash of this or another agent: finds them by their record in Prefect, and
// creates the Job. Creating is idempotent, so two agents that find the same claim create one Job.

import { textOf } from "../../base/errors.ts";
import { FLOW_RUN_LABEL, IDENTIFIER_LABEL } from "../../job/labels.ts";
import { isJobFinished } from "../../job/observe/phase.ts";
import { listAll } from "../../kube/client/api.ts";
import type { Job } from "../../kube/client/objects.ts";
import { isActive } from "../../orchestrator/flow-run.ts";
import type { Submission, UnfinishedClaim } from "../../orchestrator/work-source.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import type { RunStates } from "../run-states.ts";
import type { AgentSettings } from "../settings.ts";
import type { InFlight } from "./in-flight.ts";
import type { Submitter } from "./submit.ts";

const SWEEP_MS = 15_000;
/** How long another agent may take to create the Job of its claim. */
const CLAIM_GRACE_MS = 5_000;
/** Running runs without a Job are rarer than claimed ones, and expensive to search for. */
const FULL_SWEEP_MS = 600_000;

export interface RecoveryParts {
  readonly view: ClusterView;
  readonly inFlight: InFlight;
  readonly submitter: Submitter;
  readonly states: Pick<RunStates, "read">;
  /** Queues a run for a decision even if it has no Jobs in the cluster. */
  readonly enqueue: (flowRunId: string) => void;
}

export class Recovery {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #parts: RecoveryParts;
  #fullAtMs = 0;
  /** Claims of other agents without a Job, by id, and when each was first found. */
  #waitingClaims = new Map<string, number>();

  constructor(deps: AgentDeps, settings: AgentSettings, parts: RecoveryParts) {
    this.#deps = deps;
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Sweeps at the start and every few seconds until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.sweep(signal);
        this.#deps.metrics.progress("recover");
      } catch (error) {
        if (!signal.aborted)
          this.#deps.log.debug("Could not search for unfinished submissions", { error: textOf(error) });
      }
      await this.#deps.clock.sleep(this.#waitingClaims.size > 0 ? CLAIM_GRACE_MS : SWEEP_MS, signal);
    }
  }

  /** Finds claims of this cluster and namespace without a Job, and finishes each. */
  async sweep(signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.now().getTime();
    const includeStarted = now - this.#fullAtMs > FULL_SWEEP_MS;
    const mayLackJob = (id: string): boolean => this.#mayLackJob(id);
    const before = this.#waitingClaims;
    this.#waitingClaims = new Map();
    for await (const page of this.#deps.work.unfinished({ includeStarted, mayLackJob }, signal)) {
      await Promise.all(page.map((claim) => this.#tryToFinish(claim, before, signal)));
    }
    if (includeStarted) this.#fullAtMs = now;
  }

  #mayLackJob(flowRunId: string): boolean {
    const { inFlight, view } = this.#parts;
    return !inFlight.has(flowRunId) && view.liveJobOf(flowRunId) === undefined;
  }

  async #tryToFinish(
    claim: UnfinishedClaim,
    before: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (!signal.aborted) await this.#finish(claim, before, signal);
    } catch (error) {
      if (signal.aborted) return;
      const fields = { flowRun: claim.submission.flowRunId, error: textOf(error) };
      this.#deps.log.warn("Could not finish a submission, retrying", fields);
    }
  }

  async #finish(
    claim: UnfinishedClaim,
    before: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<void> {
    const { submission, state } = claim;
    const { flowRunId } = submission;
    if (!this.#mayLackJob(flowRunId) || (await this.#hasJob(submission))) return;
    const current = await this.#parts.states.read(flowRunId);
    if (current.kind !== "known" || current.state.version !== state.version) return;
    if (state.type === "cancelling") return this.#parts.enqueue(flowRunId);
    // The run finished during the sweep.
    if (!isActive(current.state.type)) return;
    const history = await this.#historyOf(submission);
    if (history === "reported") return;
    if (!this.#isAbandoned(claim) && !this.#hasWaited(claim, before)) return;
    if (history === "lost") return this.#fail(submission);
    if (claim.waitsForJob) await this.#parts.submitter.resume(submission, signal);
  }

  /** The process that made the claim has ended, or is this one, which no longer works on it. */
  #isAbandoned({ by }: UnfinishedClaim): boolean {
    return by !== undefined && (by === this.#settings.identity || this.#deps.isDead(by));
  }

  /** Whether the other agent has had its grace to create the Job. */
  #hasWaited({ claimId }: UnfinishedClaim, before: ReadonlyMap<string, number>): boolean {
    const now = this.#deps.clock.now().getTime();
    const since = before.get(claimId) ?? now;
    if (now - since >= CLAIM_GRACE_MS) return true;
    this.#waitingClaims.set(claimId, since);
    return false;
  }

  /** Whether the run has a Job of this claim, or any unfinished Job. */
  async #hasJob({ flowRunId, identifiers }: Submission): Promise<boolean> {
    const isMatch = (job: Job): boolean =>
      !isJobFinished(job) || identifiers.includes(job.metadata.labels?.[IDENTIFIER_LABEL] ?? "");
    if (this.#parts.view.observe(flowRunId).jobs.some(({ job }) => isMatch(job))) return true;
    const query = {
      namespace: this.#settings.namespace,
      labelSelector: `${FLOW_RUN_LABEL}=${flowRunId}`,
    };
    for await (const job of listAll(this.#deps.kube, "jobs", query)) if (isMatch(job)) return true;
    return false;
  }

  /**
   * The Job's history by the run's log, which is written after the Job is created and before it is deleted. "none": never
   * created; "lost": created, its end not reported; "reported": its end was reported.
   */
  async #historyOf(submission: Submission): Promise<"none" | "lost" | "reported"> {
    const names = submission.identifiers.map((identifier) => `-${identifier}`);
    const lines = await this.#deps.runs.messagesContaining(submission.flowRunId, names);
    if (lines.length === 0) return "none";
    const lost = lostMessage(submission);
    const isBeforeEnd = (line: string): boolean =>
      line === lost || line.startsWith("Submitted ") || line.startsWith("Event: ");
    return lines.every(isBeforeEnd) ? "lost" : "reported";
  }

  async #fail(submission: Submission): Promise<void> {
    const { runs, log } = this.#deps;
    const { flowRunId } = submission;
    const message = lostMessage(submission);
    const written = await runs.messagesContaining(flowRunId, [message]);
    if (written.length === 0)
      await runs.writeLogs([{ flowRunId, name: "k8s-infra", level: "ERROR", message }]);
    // Read again: a pod may have outlived the Job and finished the run.
    const current = await this.#parts.states.read(flowRunId);
    if (current.kind !== "known" || !isActive(current.state.type)) return;
    const { version } = current.state;
    if ((await runs.transition(flowRunId, { type: "failed", message, version })) === "accepted")
      log.info("Flow run failed in Kubernetes", { flowRun: flowRunId, message });
  }
}

function lostMessage({ identifiers: [first = ""] }: Submission): string {
  return `Kubernetes Error: Job ...-${first} was deleted before it finished, while no agent was watching`;
}
