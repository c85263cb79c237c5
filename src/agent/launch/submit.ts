// Submits one due flow run: wait for its start time, claim it, create the Job, write that to the run's log.

import PQueue from "p-queue";
import { isRetryable, SettingsError, textOf } from "../../base/errors.ts";
import { withRetry } from "../../base/retry.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { PrefectError } from "../../orchestrator/errors.ts";
import type { RunState } from "../../orchestrator/flow-run.ts";
import type { RunLogLevel } from "../../orchestrator/run-reporter.ts";
import type { DueRun, Submission } from "../../orchestrator/work-source.ts";
import { adoptionLine, LAUNCHED, RETRY } from "../run-log.ts";
import type { SharedState } from "../shared-state.ts";
import { createFailure } from "./create-failure.ts";
import { createJob, type Creation } from "./create-job.ts";
import { WaitingSubmissions, type Attempted } from "./waiting-submissions.ts";

/** Maximum number of claimed runs whose Job is to be created; other agents can claim further runs. */
const BACKLOG = 250;
/** So many claims that fail are retried beside new ones; more are a sign that Prefect takes none. */
const FAILING_CLAIMS = 25;
/** How many Jobs that Kubernetes did not take are tried again at once, beside the slots of `--concurrency`. */
const RETRIES_AT_ONCE = 8;
/** How many runs that could not be submitted to remember, so as not to log them twice. */
const REMEMBERED = 1_000;

export class Submitter {
  readonly #deps: SharedState;
  readonly #queue: PQueue;
  /** How many Jobs are to be created, or are to be told of in the run's log. */
  #creating = 0;
  /** Runs whose claim has failed and is retried. */
  readonly #failing = new Set<string>();
  /** Why runs could not be submitted, as last logged. */
  readonly #unsubmitted = new Map<string, string>();
  /** Claimed runs whose Job Kubernetes does not take now. */
  readonly waiting: WaitingSubmissions;

  constructor(deps: SharedState) {
    this.#deps = deps;
    this.#queue = new PQueue({ concurrency: deps.settings.concurrency });
    const retries = new PQueue({ concurrency: RETRIES_AT_ONCE });
    this.waiting = new WaitingSubmissions({
      ...deps,
      retry: async (submission) => this.#settle(submission, await this.#tryToCreate(submission, retries)),
      warn: (flowRunId, message) => this.#write(flowRunId, "WARNING", message),
    });
  }

  /**
   * Never rejects. Resolves with true once the run is claimed or waits for its start time, with false if it could not be
   * claimed at once; `inFlight` counts the rest of the work.
   */
  start(run: DueRun, signal: AbortSignal): Promise<boolean> {
    const { inFlight } = this.#deps;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    inFlight.add(run.id);
    void this.#submit(run, signal, resolve).finally(() => {
      resolve(false);
      inFlight.remove(run.id);
    });
    return promise;
  }

  /** How many more runs may be claimed, so that not too many wait even if Kubernetes takes none of their Jobs. */
  get room(): number {
    if (this.#failing.size >= FAILING_CLAIMS) return 0;
    return this.waiting.room - this.#creating;
  }

  /** Whether so many Jobs are to be created already that no more runs should be claimed. */
  get isBusy(): boolean {
    return this.#queue.size >= BACKLOG;
  }

  /** Finishes a submission that this or another process claimed, but that has no Job. */
  async resume(submission: Submission): Promise<void> {
    const { inFlight } = this.#deps;
    const { flowRunId } = submission;
    inFlight.add(flowRunId);
    this.#deps.log.info("Resuming a submission without a Job", { flowRun: flowRunId });
    this.#deps.metrics.count("resumed");
    try {
      await this.#create(submission);
    } finally {
      inFlight.remove(flowRunId);
    }
  }

  async #submit(run: DueRun, signal: AbortSignal, onStarted: (isStarted: boolean) => void): Promise<void> {
    const { log, metrics, clock, prefectTime } = this.#deps;
    try {
      const { startAt, readAt } = (await this.#waitForStart(run, signal, onStarted)) ?? {};
      if (startAt === undefined) return;
      // One run whose claim fails must not hold up the next poll.
      const onFailure = (): void => {
        this.#failing.add(run.id);
        onStarted(false);
      };
      const claiming = this.#withRetry(() => run.claim(readAt), onFailure);
      const submission = await claiming.finally(() => this.#failing.delete(run.id));
      const claimedAt = clock.ticks();
      if (submission === "lost") {
        metrics.count("claimsLost");
        return log.debug("Flow run was claimed by another agent", { flowRun: run.id });
      }
      log.info("Deploying flow run", { flowRun: run.id, name: run.name });
      onStarted(true);
      const isCreated = await this.#create(submission, claimedAt);
      if (isCreated) metrics.startDelay(Math.max(0, prefectTime.now().getTime() - startAt.getTime()) / 1_000);
    } catch (error) {
      metrics.count("submissionFailed", "unfinished");
      const fields = { flowRun: run.id, error: textOf(error) };
      // Prefect may refuse the same claim at every poll.
      const isKnown = this.#unsubmitted.get(run.id) === fields.error;
      if (this.#unsubmitted.size >= REMEMBERED) this.#unsubmitted.clear();
      this.#unsubmitted.set(run.id, fields.error);
      log[isKnown ? "debug" : "error"]("Could not submit a flow run; it will be retried later", fields);
    }
  }

  /**
   * The run's start time, and the ticks when its state was last read; undefined if it need not start any more. Waiting does not
   * count for --concurrency.
   */
  async #waitForStart(
    run: DueRun,
    signal: AbortSignal,
    onStarted: (isStarted: boolean) => void,
  ): Promise<{ readonly startAt: Date; readonly readAt?: number } | undefined> {
    const { clock, prefectTime } = this.#deps;
    const now = prefectTime.now();
    const startAt = run.startAt ?? now;
    const waitMs = startAt.getTime() - now.getTime();
    if (waitMs <= 0) return { startAt };
    onStarted(true);
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    // It may have been cancelled, rescheduled or claimed meanwhile, and Prefect Server would take the claim all the same.
    const readAt = clock.ticks();
    const current = await this.#withRetry(() => this.#deps.states.read(run.id));
    const isSame = current.kind === "known" && current.state.version === run.state.version;
    return isSame ? { startAt, readAt } : undefined;
  }

  /** Returns whether this process created the Job. A refusal that may pass makes the submission wait. */
  async #create(submission: Submission, claimedAt?: number): Promise<boolean> {
    this.#creating++;
    try {
      const creation = await this.#tryToCreate(submission, this.#queue, claimedAt);
      const result = await this.#settle(submission, creation);
      if (typeof result === "object") this.waiting.add(submission, result);
      return result === "created";
    } finally {
      this.#creating--;
    }
  }

  /** Tries once to create the Job, in a slot of the queue. `claimedAt`: ticks, if this process just claimed it. */
  async #tryToCreate(submission: Submission, queue: PQueue, claimedAt = -Infinity): Promise<Creation> {
    const isCurrent = async (): Promise<boolean> => (await this.#stateIfCurrent(submission)) !== undefined;
    try {
      // A template's address may not answer for long: it holds no slot.
      await submission.prepare();
      return await queue.add(() => createJob(this.#deps, { submission, isCurrent, claimedAt }));
    } catch (error) {
      return creationOf(error);
    }
  }

  /** Writes what came of it to the run's log. Fails the run if it cannot have a Job. */
  async #settle(submission: Submission, creation: Creation): Promise<Attempted> {
    if (creation.outcome === "refused") {
      const { failure: reason, error } = creation;
      if (reason !== "run") return { reason, error };
      await this.#fail(submission, error);
    } else if (creation.outcome === "adopted") {
      this.#deps.metrics.count("adopted");
      const line = adoptionLine(creation.name, submission.identifiers[0]);
      await this.#write(submission.flowRunId, "INFO", line);
    } else if (creation.outcome !== "not-needed") {
      return (await this.#created(submission, creation)) ? "created" : "settled";
    } else this.#deps.log.debug("The flow run no longer needs a Job", { flowRun: submission.flowRunId });
    return "settled";
  }

  /** Returns whether this process created the Job; the process that did writes it to the run's log. */
  async #created(
    { flowRunId }: Submission,
    { outcome, name }: Creation & { readonly name: string },
  ): Promise<boolean> {
    const { view, inFlight } = this.#deps;
    // The watch can deliver the Job before the request returns.
    if (view.jobNamed(flowRunId, name) === undefined) inFlight.created(flowRunId);
    if (outcome === "theirs") return false;
    this.#deps.metrics.count("submitted");
    this.#deps.log.info("Completed deployment of flow run", { flowRun: flowRunId, job: name });
    await this.#write(flowRunId, "INFO", LAUNCHED + name);
    return true;
  }

  /** Writes the reason to the run's log once, and fails the run unless its state has changed. */
  async #fail(submission: Submission, error: Error): Promise<void> {
    const { log, metrics, runs } = this.#deps;
    const { flowRunId } = submission;
    metrics.count("submissionFailed", error instanceof KubeError ? error.reason : "job");
    log.error("Exception encountered while deploying flow run", { flowRun: flowRunId, error: textOf(error) });
    const message = error instanceof KubeError ? `Kubernetes Error: ${error.detail}` : textOf(error);
    if ((await this.#stateIfCurrent(submission)) === undefined) return;
    await this.#write(flowRunId, "ERROR", message);
    // Read right before the write: Prefect Server has no versions.
    const state = await this.#stateIfCurrent(submission);
    if (state === undefined) return;
    const { version } = state;
    await this.#withRetry(() => runs.transition(flowRunId, { type: "failed", message, version }));
  }

  /** The run's current state, if the claim still holds in it. */
  #stateIfCurrent(submission: Submission): Promise<RunState | undefined> {
    return this.#withRetry(async () => {
      const { state } = await this.#deps.states.read(submission.flowRunId);
      return state !== undefined && (await submission.isCurrent(state)) ? state : undefined;
    });
  }

  async #write(flowRunId: string, level: RunLogLevel, message: string): Promise<void> {
    const timestamp = this.#deps.prefectTime.now();
    const line = { flowRunId, name: this.#deps.settings.name, level, message, timestamp };
    // After a crash another process may have written why the run has no Job.
    await this.#deps.runLog.writeUntilAccepted(line, { mayBeThere: level !== "INFO" });
  }

  /** Retries temporary errors; `onFailure` is called for each. */
  #withRetry<T>(call: () => Promise<T>, onFailure = (): void => {}): Promise<T> {
    const onRetry = (error: unknown): void => {
      onFailure();
      this.#deps.log.debug("Could not continue a submission, retrying", { error: textOf(error) });
    };
    return withRetry(call, { clock: this.#deps.clock, ...RETRY, onRetry });
  }
}

/** What an error of building or creating the Job means. Throws those of Prefect. */
function creationOf(error: unknown): Creation {
  if (error instanceof PrefectError || !(error instanceof Error)) throw error;
  if (error instanceof KubeError) return { outcome: "refused", failure: createFailure(error, 0), error };
  if (isRetryable(error)) return { outcome: "refused", failure: "passing", error };
  // The agent's own template is at fault.
  return { outcome: "refused", failure: error instanceof SettingsError ? "agent" : "run", error };
}
