// The other half of "exactly once": a claim without a Job, left by a crash of ours or of a sibling, is found by the record
// that it carries in Prefect, and finished. Creating is idempotent, so two that find it at once make one Job.

import { textOf } from "../../base/errors.ts";
import { FLOW_RUN_LABEL, IDENTIFIER_LABEL } from "../../job/labels.ts";
import { isOver } from "../../job/observe/phase.ts";
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
/** Whoever made a claim and may be alive gets this long for its Job. */
const SIBLING_MS = 5_000;
/** A running run without a Job is rarer than a claimed one, and dearer to look for. */
const FULL_SWEEP_MS = 600_000;

export interface RecoveryParts {
  readonly view: ClusterView;
  readonly inFlight: InFlight;
  readonly submitter: Submitter;
  readonly states: Pick<RunStates, "read">;
  /** Has a run decided about that may have nothing left in the cluster. */
  readonly enqueue: (flowRunId: string) => void;
}

/** Sweeps at the start and every few seconds until told to stop. */
export class Recovery {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #parts: RecoveryParts;
  #fullAtMs = 0;
  /** Claims without a Job that the last sweep left to their makers, and since when. */
  #left = new Map<string, number>();

  constructor(deps: AgentDeps, settings: AgentSettings, parts: RecoveryParts) {
    this.#deps = deps;
    this.#settings = settings;
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.sweep(signal);
        this.#deps.metrics.progress("recover");
      } catch (error) {
        if (!signal.aborted)
          this.#deps.log.debug("Could not look for unfinished submissions", { error: textOf(error) });
      }
      await this.#deps.clock.sleep(this.#left.size > 0 ? SIBLING_MS : SWEEP_MS, signal);
    }
  }

  /** Finds claims of this cluster and namespace without a Job, and finishes each. */
  async sweep(signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.now().getTime();
    const includeStarted = now - this.#fullAtMs > FULL_SWEEP_MS;
    const mayLackJob = (id: string): boolean => this.#mayLackJob(id);
    const before = this.#left;
    this.#left = new Map();
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
      this.#deps.log.warn("Could not finish a submission, trying again", fields);
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
    // It was over between the question for ids and the one for the runs.
    if (!isActive(current.state.type)) return;
    const history = await this.#historyOf(submission);
    if (history === "reported") return;
    if (!this.#isAbandoned(claim) && !this.#hasWaited(claim, before)) return;
    if (history === "lost") return this.#fail(submission);
    if (claim.waitsForJob) await this.#parts.submitter.resume(submission, signal);
  }

  /** Its maker is surely dead, or is this very process, which no longer works on it. */
  #isAbandoned({ by }: UnfinishedClaim): boolean {
    return by !== undefined && (by === this.#settings.identity || this.#deps.isDead(by));
  }

  /** A sibling may be about to create the Job. */
  #hasWaited({ claimId }: UnfinishedClaim, before: ReadonlyMap<string, number>): boolean {
    const now = this.#deps.clock.now().getTime();
    const since = before.get(claimId) ?? now;
    if (now - since >= SIBLING_MS) return true;
    this.#left.set(claimId, since);
    return false;
  }

  /** A Job under this claim, or any that is not over: what becomes of that one is supervise's business. */
  async #hasJob({ flowRunId, identifiers }: Submission): Promise<boolean> {
    const counts = (job: Job): boolean =>
      !isOver(job) || identifiers.includes(job.metadata.labels?.[IDENTIFIER_LABEL] ?? "");
    if (this.#parts.view.observe(flowRunId).jobs.some(({ job }) => counts(job))) return true;
    const query = {
      namespace: this.#settings.namespace,
      labelSelector: `${FLOW_RUN_LABEL}=${flowRunId}`,
    };
    for await (const job of listAll(this.#deps.kube, "jobs", query)) if (counts(job)) return true;
    return false;
  }

  /**
   * What the run's own log says of its Job. "none": it was never made; "lost": it was made, and nothing was said of its end;
   * "reported": how it ended was said. The log is written after the Job is created and before it is deleted.
   */
  async #historyOf(submission: Submission): Promise<"none" | "lost" | "reported"> {
    const names = submission.identifiers.map((identifier) => `-${identifier}`);
    const lines = await this.#deps.runs.mentions(submission.flowRunId, names);
    if (lines.length === 0) return "none";
    const lost = lostMessage(submission);
    const saysNoEnd = (line: string): boolean =>
      line === lost || line.startsWith("Submitted ") || line.startsWith("Event: ");
    return lines.every(saysNoEnd) ? "lost" : "reported";
  }

  async #fail(submission: Submission): Promise<void> {
    const { runs, log } = this.#deps;
    const { flowRunId } = submission;
    const message = lostMessage(submission);
    const written = await runs.mentions(flowRunId, [message]);
    if (written.length === 0)
      await runs.writeLogs([{ flowRunId, name: "k8s-infra", level: "ERROR", message }]);
    // Asked once more: its pod may have outlived its Job, and what is final stays so.
    const current = await this.#parts.states.read(flowRunId);
    if (current.kind !== "known" || !isActive(current.state.type)) return;
    const { version } = current.state;
    if ((await runs.transition(flowRunId, { type: "failed", message, version })) === "accepted")
      log.info("Flow run failed in Kubernetes", { flowRun: flowRunId, message });
  }
}

function lostMessage({ identifiers: [first = ""] }: Submission): string {
  return `Kubernetes Error: Job ...-${first} was deleted before it was done, while no agent was watching`;
}
