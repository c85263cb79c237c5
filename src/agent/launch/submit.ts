// Submits one due flow run: wait for its start time, claim it, create the Job, write that to the run's log.

import { withRetry } from "../../base/retry.ts";
import { isRetryable, textOf } from "../../base/errors.ts";
import PQueue from "p-queue";
import { aborted } from "../../base/clock.ts";
import { isJobFinished } from "../../job/observe/phase.ts";
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

/** Maximum number of claimed runs that wait for their Jobs; other agents can claim further runs. */
const BACKLOG = 250;
const BACKOFF = { firstMs: 250, maxMs: 15_000 };
const ATTEMPTS = 12;
/** After a longer wait the run's state is read again: it may have been cancelled, rescheduled or claimed. */
const STALE_AFTER_MS = 1_000;

/** `started`: claimed, or waiting for its start time; `skipped`: claimed by another agent, or the claim failed. */
export type StartResult = "started" | "skipped";

interface StartControl {
  readonly signal: AbortSignal;
  readonly onStarted: () => void;
}

export interface SubmitterParts {
  readonly view: Pick<ClusterView, "liveJobOf" | "hasJob">;
  readonly inFlight: InFlight;
  readonly states: Pick<RunStates, "read">;
  readonly runLog: RunLogWriter;
}

export class Submitter {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #parts: SubmitterParts;
  readonly #queue: PQueue;

  constructor(deps: AgentDeps, settings: AgentSettings, parts: SubmitterParts) {
    this.#deps = deps;
    this.#settings = settings;
    this.#parts = parts;
    this.#queue = new PQueue({ concurrency: settings.concurrency });
  }

  /** Never rejects. Resolves once the run is claimed or waits for its start time; `inFlight` counts the rest of the work. */
  start(run: DueRun, signal: AbortSignal): Promise<StartResult> {
    const { inFlight } = this.#parts;
    inFlight.add(run.id);
    return new Promise((resolve) => {
      void this.#submit(run, { signal, onStarted: () => resolve("started") }).finally(() => {
        resolve("skipped");
        inFlight.remove(run.id);
      });
    });
  }

  /** Resolves when fewer than BACKLOG claimed runs wait for their Jobs. */
  async waitForBacklog(signal: AbortSignal): Promise<void> {
    if (this.#queue.size < BACKLOG) return;
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    await Promise.race([this.#queue.onSizeLessThan(BACKLOG), aborted(either)]);
    done.abort();
  }

  /** Finishes a submission that this or another agent claimed, but that has no Job. */
  async resume(submission: Submission, signal: AbortSignal): Promise<void> {
    const { inFlight } = this.#parts;
    const { flowRunId } = submission;
    inFlight.add(flowRunId);
    this.#deps.log.info("Resuming a submission without a Job", { flowRun: flowRunId });
    this.#deps.metrics.count("resumed");
    try {
      await this.#create(submission, signal);
    } finally {
      inFlight.remove(flowRunId);
    }
  }

  async #submit(run: DueRun, control: StartControl): Promise<void> {
    const { log, metrics, clock } = this.#deps;
    try {
      const startAt = await this.#waitForStart(run, control);
      if (startAt === undefined) return;
      log.info("Deploying flow run", { flowRun: run.id, name: run.name });
      const claim = await this.#withRetry((): Promise<Claim> => run.claim());
      if (claim.outcome === "lost") {
        metrics.count("claimsLost");
        return log.debug("Flow run was claimed by another agent", { flowRun: run.id });
      }
      control.onStarted();
      if (await this.#adopt(run.id)) return;
      const isCreated = await this.#create(claim.submission, control.signal);
      if (isCreated) metrics.startDelay(Math.max(0, clock.now().getTime() - startAt.getTime()) / 1_000);
    } catch (error) {
      metrics.count("submissionFailed", "unfinished");
      log.error("Could not submit a flow run; it will be retried later", {
        flowRun: run.id,
        error: textOf(error),
      });
    }
  }

  /** The run's start time, or undefined if it need not start any more. Waiting does not count for --concurrency. */
  async #waitForStart(run: DueRun, { signal, onStarted }: StartControl): Promise<Date | undefined> {
    const { clock } = this.#deps;
    const now = clock.now();
    const startAt = run.startAt ?? now;
    const waitMs = startAt.getTime() - now.getTime();
    if (waitMs <= 0) return startAt;
    onStarted();
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    if (waitMs < STALE_AFTER_MS) return startAt;
    const current = await this.#withRetry(() => this.#parts.states.read(run.id));
    return current.kind === "known" && current.state.version === run.state.version ? startAt : undefined;
  }

  /** Lazarus reschedules runs whose pod is still pulling its image; then the existing Job does the work. */
  async #adopt(flowRunId: string): Promise<boolean> {
    const live = this.#parts.view.liveJobOf(flowRunId);
    if (live === undefined) return false;
    const { name, namespace, uid } = live.metadata;
    const current = await this.#withRetry(() => this.#deps.kube.get("jobs", { namespace, name }));
    if (
      current?.metadata.uid !== uid ||
      current.metadata.deletionTimestamp !== undefined ||
      isJobFinished(current)
    )
      return false;
    this.#deps.metrics.count("adopted");
    await this.#write(flowRunId, "INFO", `Submitted again: adopted by Job ${name}, which is still active`);
    return true;
  }

  /** Returns whether this process created the Job. Fails the run if it cannot have one. */
  async #create(submission: Submission, signal: AbortSignal): Promise<boolean> {
    const { log, metrics } = this.#deps;
    const { view, inFlight } = this.#parts;
    const { flowRunId } = submission;
    const isCurrent = async (): Promise<boolean> => (await this.#stateIfCurrent(submission)) !== undefined;
    const creation = await this.#queue
      .add(() => createJob(this.#deps, this.#settings, { submission, signal, isCurrent }))
      .catch(async (error: unknown) => {
        if (isRetryable(error) || isAgentFault(error)) throw error;
        await this.#fail(submission, error);
        return undefined;
      });
    if (creation === undefined) return false;
    if (creation.outcome === "not-needed") {
      log.debug("The flow run no longer needs a Job", { flowRun: flowRunId });
      return false;
    }
    // The watch can deliver the Job before the request returns.
    if (!view.hasJob(flowRunId, creation.name)) inFlight.created(flowRunId);
    // The process that created the Job reports it.
    if (creation.outcome === "theirs") return false;
    metrics.count("submitted");
    log.info("Completed deployment of flow run", { flowRun: flowRunId, job: creation.name });
    await this.#write(flowRunId, "INFO", `Submitted for execution: Job ${creation.name}`);
    return true;
  }

  /** Writes the reason to the run's log once, and fails the run unless its state has changed. */
  async #fail(submission: Submission, error: unknown): Promise<void> {
    const { log, metrics, runs } = this.#deps;
    const { flowRunId } = submission;
    metrics.count("submissionFailed", error instanceof KubeError ? error.reason : "job");
    log.error("Exception encountered while deploying flow run", { flowRun: flowRunId, error: textOf(error) });
    const message = error instanceof KubeError ? `Kubernetes Error: ${error.detail}` : textOf(error);
    const state = await this.#withRetry(() => this.#stateIfCurrent(submission));
    if (state === undefined) return;
    // After a crash between the two requests the line is there already.
    const written = await this.#withRetry(() => runs.messagesContaining(flowRunId, [message]));
    if (!written.includes(message)) await this.#write(flowRunId, "ERROR", message);
    const { version } = state;
    await this.#withRetry(() => runs.transition(flowRunId, { type: "failed", message, version }));
  }

  /** The run's current state, if the claim still holds in it. */
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

  /** Retries temporary errors. */
  #withRetry<T>(call: () => Promise<T>): Promise<T> {
    const onRetry = (error: unknown): void =>
      this.#deps.log.debug("Could not continue a submission, retrying", { error: textOf(error) });
    return withRetry(call, { clock: this.#deps.clock, shape: BACKOFF, attempts: ATTEMPTS, onRetry });
  }
}

/** Whether Prefect or the agent's own credentials are at fault: the run must not be failed for that. */
function isAgentFault(error: unknown): boolean {
  if (error instanceof PrefectError) return true;
  return error instanceof KubeError && (error.status === 401 || error.reason === "BadCertificate");
}
