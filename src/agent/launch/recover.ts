// launch: the other half of "exactly once". A claim without a Job, left by a crash of ours or of a sibling, is found by the
// mark that it carries in Prefect and finished. Creating is idempotent, so two that find it at once make one Job.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import type { ClusterView } from "../cluster-view.ts";
import { textOf } from "../../base/errors.ts";
import { FLOW_RUN_LABEL, IDENTIFIER_LABEL } from "../../job/labels.ts";
import { isOver } from "../../job/observe/phase.ts";
import { listAll } from "../../kube/client/api.ts";
import type { Job } from "../../kube/client/objects.ts";
import { claimRecordOf } from "../../prefect1/claim.ts";
import type { ClaimRecord } from "../../prefect1/claim.ts";
import { isAlive, newState } from "../../prefect1/states.ts";
import type { ClaimedRun } from "../../prefect1/api.ts";
import { identifiersOf, scopeRecord, submissionUnder } from "../../prefect1/submission.ts";
import type { Submission } from "../../prefect1/submission.ts";
import type { InFlight } from "./in-flight.ts";
import type { Submitter } from "./submit.ts";

const SWEEP_MS = 15_000;
/** Whoever made a claim and may be alive gets this long for its Job. */
const SIBLING_MS = 5_000;
/** A running run without a Job is rarer than a claimed one, and dearer to look for. */
const FULL_SWEEP_MS = 600_000;
const PAGE = 100;

export interface RecoveryWorld {
  readonly view: ClusterView;
  readonly inFlight: InFlight;
  readonly submitter: Submitter;
  /** Looks at a run that may have nothing left in the cluster. */
  readonly touch: (flowRunId: string) => void;
}

/** Sweeps at the start and every few seconds until told to stop. */
export class Recovery {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #world: RecoveryWorld;
  #fullAtMs = 0;
  /** Claims without a Job that were left to others at the sweep before, and since when. */
  #left = new Map<string, number>();

  constructor(deps: AgentDeps, settings: AgentSettings, world: RecoveryWorld) {
    this.#deps = deps;
    this.#settings = settings;
    this.#world = world;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.sweep(signal);
        this.#deps.meter.progress("recover");
      } catch (error) {
        if (!signal.aborted)
          this.#deps.log.debug("Could not look for unfinished submissions", { error: textOf(error) });
      }
      await this.#deps.clock.sleep(this.#left.size > 0 ? SIBLING_MS : SWEEP_MS, signal);
    }
  }

  /** Finds claims of this place without a Job, and settles each. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { prefect, clock } = this.#deps;
    const now = clock.now().getTime();
    const started = now - this.#fullAtMs > FULL_SWEEP_MS;
    const mark = scopeRecord(this.#settings.scope);
    const ids = (await prefect.claimedIds({ started, mark }, signal)).filter((id) => this.#mayLackJob(id));
    if (started) this.#fullAtMs = now;
    const before = this.#left;
    this.#left = new Map();
    for (let at = 0; at < ids.length; at += PAGE) {
      const runs = await prefect.claimedRuns(ids.slice(at, at + PAGE), mark, signal);
      await Promise.all(runs.map((run) => this.#settleWithRetry(run, before, signal)));
    }
  }

  #mayLackJob(flowRunId: string): boolean {
    const { inFlight, view } = this.#world;
    return !inFlight.has(flowRunId) && view.liveJobOf(flowRunId) === undefined;
  }

  async #settleWithRetry(
    run: ClaimedRun,
    before: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (!signal.aborted) await this.#settle(run, before, signal);
    } catch (error) {
      if (signal.aborted) return;
      const fields = { flowRun: run.flowRun.id, error: textOf(error) };
      this.#deps.log.warn("Could not finish a submission, trying again", fields);
    }
  }

  async #settle(run: ClaimedRun, before: ReadonlyMap<string, number>, signal: AbortSignal): Promise<void> {
    const { flowRun, claimedState } = run;
    const mark = claimRecordOf(claimedState);
    if (mark === undefined || mark.scope !== this.#settings.scope) return;
    const submission = submissionUnder(mark, flowRun);
    if (!this.#mayLackJob(flowRun.id) || (await this.#hasJob(submission))) return;
    const current = (await this.#deps.prefect.runStates([flowRun.id])).get(flowRun.id);
    if (current === undefined || current.version !== flowRun.version) return;
    if (flowRun.state === "Cancelling") return this.#world.touch(flowRun.id);
    // It was over between the question for ids and the one for the runs.
    if (!isAlive(current.state.type)) return;
    const story = await this.#storyOf(submission);
    if (story === "told") return;
    if (!this.#isAbandoned(mark) && !this.#waitedFor(mark, before)) return;
    if (story === "lost") return this.#fail(submission);
    const waits = submission.of === "flow run" || isTaskClaim(run);
    if (waits) await this.#world.submitter.resume(submission, signal);
  }

  /** Its maker is withoutGuess dead, or is this very process, which has it no longer in hand. */
  #isAbandoned({ by }: ClaimRecord): boolean {
    return by !== undefined && (by === this.#settings.identity || this.#deps.isDead(by));
  }

  /** A sibling may be about to create the Job. */
  #waitedFor({ id }: ClaimRecord, before: ReadonlyMap<string, number>): boolean {
    const now = this.#deps.clock.now().getTime();
    const since = before.get(id) ?? now;
    if (now - since >= SIBLING_MS) return true;
    this.#left.set(id, since);
    return false;
  }

  /** A Job under this claim, or any that is not over: what becomes of that one is supervise's business. */
  async #hasJob(submission: Submission): Promise<boolean> {
    const { id } = submission.flowRun;
    const identifiers = new Set(identifiersOf(submission));
    const counts = (job: Job): boolean =>
      !isOver(job) || identifiers.has(job.metadata.labels?.[IDENTIFIER_LABEL] ?? "");
    if (this.#world.view.observe(id).jobs.some(({ job }) => counts(job))) return true;
    const { namespace } = this.#settings;
    const query = { namespace, labelSelector: `${FLOW_RUN_LABEL}=${id}` };
    for await (const job of listAll(this.#deps.kube, "jobs", query)) if (counts(job)) return true;
    return false;
  }

  /**
   * What the run's own log tells of its Job: "none": never made; "lost": made, and gone without a word;
   * "told": made, and how it ended was said. The log is written after the Job is made and before it is removed.
   */
  async #storyOf(submission: Submission): Promise<"none" | "lost" | "told"> {
    const names = [...identifiersOf(submission)].map((identifier) => `-${identifier}`);
    const about = await this.#deps.prefect.mentions(submission.flowRun.id, names);
    if (about.length === 0) return "none";
    const lost = lostMessage(submission);
    const isSilent = (message: string): boolean =>
      message === lost || message.startsWith("Submitted ") || message.startsWith("Event: ");
    return about.every(isSilent) ? "lost" : "told";
  }

  async #fail(submission: Submission): Promise<void> {
    const { prefect, log } = this.#deps;
    const { id: flowRunId } = submission.flowRun;
    const message = lostMessage(submission);
    const said = await prefect.mentions(flowRunId, [message]);
    if (said.length === 0)
      await prefect.writeLogs([{ flowRunId, name: "k8s-infra", level: "ERROR", message }]);
    // Asked once more: its pod may have outlived its Job, and what is final stays so.
    const current = (await prefect.runStates([flowRunId])).get(flowRunId);
    if (current === undefined || !isAlive(current.state.type)) return;
    await prefect.setState({ flowRunId, state: newState("Failed", message) });
    log.info("Flow run failed in Kubernetes", { flowRun: flowRunId, message });
  }
}

function isTaskClaim({ flowRun, claimedState }: ClaimedRun): boolean {
  return claimedState.type === "Submitted" && flowRun.task_runs.length > 0;
}

function lostMessage({ mark }: Submission): string {
  return `Kubernetes Error: Job ...-${mark.identifier} was deleted before it was done, while no agent was watching`;
}
