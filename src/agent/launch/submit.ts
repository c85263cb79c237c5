// One flow run, from found to Job: wait for its start, claim it, create the Job, say so in the run's log.

import { withRetry } from "../../base/backoff.ts";
import { isRetryable, textOf } from "../../base/errors.ts";
import { Limit } from "../../base/limit.ts";
import { isOver } from "../../job/observe/phase.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { PrefectError } from "../../orchestrator/errors.ts";
import type { RunState } from "../../orchestrator/flow-run.ts";
import type { RunLogLevel } from "../../orchestrator/run-log.ts";
import type { Claim, DueRun, Submission } from "../../orchestrator/work-source.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import type { RunLogWriter } from "../run-log.ts";
import type { RunStates } from "../run-states.ts";
import type { AgentSettings } from "../settings.ts";
import { createJob } from "./create-job.ts";
import type { InFlight } from "./in-flight.ts";

/** Claimed runs that wait for the creation of their Jobs: more of them would only be kept from other agents. */
const BACKLOG = 250;
const BACKOFF = { firstMs: 250, maxMs: 15_000 };
const ATTEMPTS = 12;
/** A run that waited longer than this may have changed meanwhile: cancelled, rescheduled, taken. */
const STALE_AFTER_MS = 1_000;

/** `begun`: claimed, or waiting for its start; `left`: somebody else has it, or it cannot be had now. */
export type Beginning = "begun" | "left";

interface Until {
  readonly signal: AbortSignal;
  readonly settled: (beginning: Beginning) => void;
}

export interface SubmitterParts {
  readonly view: Pick<ClusterView, "liveJobOf" | "showsJob">;
  readonly inFlight: InFlight;
  readonly states: Pick<RunStates, "read">;
  readonly runLog: RunLogWriter;
}

/** Submits flow runs; each ends as a Job, as Failed with the reason, or with whoever took it. */
export class Submitter {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #parts: SubmitterParts;
  readonly #limit: Limit;

  constructor(deps: AgentDeps, settings: AgentSettings, parts: SubmitterParts) {
    this.#deps = deps;
    this.#settings = settings;
    this.#parts = parts;
    this.#limit = new Limit(settings.concurrency);
  }

  /** Never rejects. Resolves when the claim is settled or its time has not come; the rest goes on, counted by `inFlight`. */
  begin(run: DueRun, signal: AbortSignal): Promise<Beginning> {
    const { inFlight } = this.#parts;
    inFlight.add(run.id);
    return new Promise((settled) => {
      void this.#submit(run, { signal, settled }).finally(() => {
        settled("left");
        inFlight.remove(run.id);
      });
    });
  }

  /** Resolves when claims are not far ahead of Jobs: what is claimed no sooner costs no memory and is lost to nobody. */
  caughtUp(signal: AbortSignal): Promise<void> {
    return this.#limit.fewerWaiting(BACKLOG, signal);
  }

  /** Finishes a submission that was claimed, here or by a sibling, but has no Job. */
  async resume(submission: Submission, signal: AbortSignal): Promise<void> {
    const { inFlight } = this.#parts;
    const { flowRunId } = submission;
    inFlight.add(flowRunId);
    this.#deps.log.info("Finishing a submission that was left without a Job", { flowRun: flowRunId });
    this.#deps.metrics.count("resumed");
    try {
      await this.#create(submission, signal);
    } finally {
      inFlight.remove(flowRunId);
    }
  }

  async #submit(run: DueRun, until: Until): Promise<void> {
    const { log, metrics, clock } = this.#deps;
    try {
      const startAt = await this.#waitForStart(run, until);
      if (startAt === undefined) return;
      log.info("Deploying flow run", { flowRun: run.id, name: run.name });
      const claim = await this.#withRetry((): Promise<Claim> => run.claim());
      if (claim.outcome === "lost") {
        metrics.count("claimsLost");
        return log.debug("Flow run was taken by another agent", { flowRun: run.id });
      }
      until.settled("begun");
      if (await this.#adopted(run.id)) return;
      const isCreated = await this.#create(claim.submission, until.signal);
      if (isCreated) metrics.startDelay(Math.max(0, clock.now().getTime() - startAt.getTime()) / 1_000);
    } catch (error) {
      metrics.count("submissionFailed", "unfinished");
      log.error("Could not submit a flow run; it will be found again", {
        flowRun: run.id,
        error: textOf(error),
      });
    }
  }

  /** When the run was due, or undefined when it need not start any more. Waiting holds no worker. */
  async #waitForStart(run: DueRun, { signal, settled }: Until): Promise<Date | undefined> {
    const { clock } = this.#deps;
    const now = clock.now();
    const startAt = run.startAt ?? now;
    const waitMs = startAt.getTime() - now.getTime();
    if (waitMs <= 0) return startAt;
    settled("begun");
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    if (waitMs < STALE_AFTER_MS) return startAt;
    const current = await this.#withRetry(() => this.#parts.states.read(run.id));
    return current.kind === "known" && current.state.version === run.state.version ? startAt : undefined;
  }

  /** Lazarus reschedules runs that are still pulling their image: the Job that exists does the work. */
  async #adopted(flowRunId: string): Promise<boolean> {
    const live = this.#parts.view.liveJobOf(flowRunId);
    if (live === undefined) return false;
    const { name, namespace, uid } = live.metadata;
    const fresh = await this.#withRetry(() => this.#deps.kube.get("jobs", { namespace, name }));
    if (fresh?.metadata.uid !== uid || fresh.metadata.deletionTimestamp !== undefined || isOver(fresh))
      return false;
    this.#deps.metrics.count("adopted");
    await this.#write(flowRunId, "INFO", `Submitted again: adopted by Job ${name}, which is still at work`);
    return true;
  }

  /** True when this process made the Job. A run that can have none is failed with the reason. */
  async #create(submission: Submission, signal: AbortSignal): Promise<boolean> {
    const { log, metrics } = this.#deps;
    const { view, inFlight } = this.#parts;
    const { flowRunId } = submission;
    const isCurrent = async (): Promise<boolean> => (await this.#stateIfCurrent(submission)) !== undefined;
    const creation = await this.#limit
      .run(() => createJob(this.#deps, this.#settings, { submission, signal, isCurrent }))
      .catch(async (error: unknown) => {
        if (isRetryable(error) || isOurFault(error)) throw error;
        await this.#fail(submission, error);
        return undefined;
      });
    if (creation === undefined) return false;
    if (creation.outcome === "over") {
      log.debug("The flow run needs no Job any more", { flowRun: flowRunId });
      return false;
    }
    // The watch can be faster than the answer.
    if (!view.showsJob(flowRunId, creation.name)) inFlight.created(flowRunId);
    // Whoever made it says so.
    if (creation.outcome === "theirs") return false;
    metrics.count("submitted");
    log.info("Completed deployment of flow run", { flowRun: flowRunId, job: creation.name });
    await this.#write(flowRunId, "INFO", `Submitted for execution: Job ${creation.name}`);
    return true;
  }

  /** Tells the run's owner why, once, and fails the run, unless somebody has changed its state meanwhile. */
  async #fail(submission: Submission, error: unknown): Promise<void> {
    const { log, metrics, runs } = this.#deps;
    const { flowRunId } = submission;
    metrics.count("submissionFailed", error instanceof KubeError ? error.reason : "job");
    log.error("Exception encountered while deploying flow run", { flowRun: flowRunId, error: textOf(error) });
    const message = error instanceof KubeError ? `Kubernetes Error: ${error.detail}` : textOf(error);
    const state = await this.#withRetry(() => this.#stateIfCurrent(submission));
    if (state === undefined) return;
    // A crash between the two leaves the line without the state.
    const written = await this.#withRetry(() => runs.mentions(flowRunId, [message]));
    if (!written.includes(message)) await this.#write(flowRunId, "ERROR", message);
    const { version } = state;
    await this.#withRetry(() => runs.transition(flowRunId, { type: "failed", message, version }));
  }

  /** The run's state as it is now, if the claim still holds in it. */
  async #stateIfCurrent(submission: Submission): Promise<RunState | undefined> {
    const status = await this.#parts.states.read(submission.flowRunId);
    if (status.kind !== "known") return undefined;
    return (await submission.isCurrent(status.state)) ? status.state : undefined;
  }

  async #write(flowRunId: string, level: RunLogLevel, message: string): Promise<void> {
    const timestamp = this.#deps.clock.now();
    const line = { flowRunId, name: this.#settings.name, level, message, timestamp };
    await this.#parts.runLog.writeUntilAccepted(line);
  }

  /** Retries what passes: a claim is worth more than a quick end. */
  #withRetry<T>(call: () => Promise<T>): Promise<T> {
    const onRetry = (error: unknown): void =>
      this.#deps.log.debug("Could not go on with a submission, trying again", { error: textOf(error) });
    return withRetry(call, { clock: this.#deps.clock, shape: BACKOFF, attempts: ATTEMPTS, onRetry });
  }
}

/** Prefect itself, or our own rights or credentials are at fault, not the run: it must not be failed for that. */
function isOurFault(error: unknown): boolean {
  if (error instanceof PrefectError) return true;
  return error instanceof KubeError && (error.status === 401 || error.reason === "BadCertificate");
}
