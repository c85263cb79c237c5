// Claimed runs whose Job Kubernetes does not take now: they wait outside the slots of new submissions, are kept alive in
// Prefect, and are tried again. What waits holds only its claim; its Job is built again at each try.

import { formatDuration } from "../../base/duration.ts";
import { isRetryable, textOf } from "../../base/errors.ts";
import { backoffMs, retryAfterMs } from "../../base/retry.ts";
import { WorkQueue } from "../../base/work-queue.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { isActive } from "../../orchestrator/flow-run.ts";
import type { Submission } from "../../orchestrator/work-source.ts";
import { every, keepAlive } from "../periodic.ts";
import type { SharedState } from "../shared-state.ts";
import type { CreateFailure } from "./create-failure.ts";

type WaitReason = Exclude<CreateFailure, "run">;

interface WaitingDeps extends Pick<SharedState, "clock" | "log" | "runs" | "states" | "inFlight"> {
  /** Tries to create the Job again; settles everything but a refusal that may pass. */
  readonly retry: (submission: Submission) => Promise<Attempted>;
  /** Writes a warning to the run's log, once. */
  readonly warn: (flowRunId: string, message: string) => Promise<void>;
}

/** What came of a try to create a Job; `created`: by this process. */
export type Attempted = Refused | "created" | "settled";

/** A refusal that may pass. */
interface Refused {
  readonly reason: WaitReason;
  readonly error: Error;
}

interface Waiting {
  readonly submission: Submission;
  readonly since: number;
  refused: Refused;
  failures: number;
  /** Ticks of the last heartbeat. */
  keptAliveAt: number;
  /** Reasons of which the run's log has been told. */
  readonly warned: Set<WaitReason>;
}

const BACKOFF = { firstMs: 1_000, maxMs: 15_000 };
const WARN_AFTER_MS = 30_000;
/** More than this many must not wait: no more runs are claimed then. */
const MAX_WAITING = 1_000;
const HEARTBEAT_EVERY_MS = 30_000;
const HEARTBEAT_CHECK_MS = 5_000;

/** What the agent's log says when the first submission waits for a reason, and when none does any more. */
const LOG_LINES = {
  passing: ["warn", "Kubernetes does not take Jobs now; retrying", "Kubernetes takes Jobs again"],
  quota: [
    "warn",
    "The namespace's quota is full; claiming no flow runs",
    "The namespace's quota has room again",
  ],
  agent: ["error", "Cannot create Jobs; claiming no flow runs until this is fixed", "Can create Jobs again"],
} as const;

export class WaitingSubmissions {
  readonly #deps: WaitingDeps;
  readonly #waiting = new Map<string, Waiting>();
  readonly #queue: WorkQueue;
  /** Ticks when the first submission began to wait for a reason. */
  readonly #since = new Map<WaitReason, number>();

  constructor(deps: WaitingDeps) {
    this.#deps = deps;
    this.#queue = new WorkQueue({
      clock: deps.clock,
      concurrency: MAX_WAITING,
      work: (flowRunId) => this.#retry(flowRunId),
      onError: (flowRun, error) =>
        deps.log.debug("Could not retry a submission", { flowRun, error: textOf(error) }),
    });
  }

  /** How many more may come to wait; none while each claim would have to. */
  get room(): number {
    return this.#since.has("quota") || this.#since.has("agent") ? 0 : MAX_WAITING - this.#waiting.size;
  }

  /** What keeps the agent from working, for /readyz; undefined: nothing that is its own trouble. */
  problem(): string | undefined {
    const waiting = [...this.#waiting.values()].find(({ refused }) => refused.reason === "agent");
    return waiting === undefined ? undefined : textOf(waiting.refused.error);
  }

  /** Takes a claimed submission over whose Job was refused. */
  add(submission: Submission, refused: Refused): void {
    const { flowRunId } = submission;
    const now = this.#deps.clock.ticks();
    const fresh = { failures: 0, keptAliveAt: -Infinity, warned: new Set<WaitReason>() };
    const waiting: Waiting = { submission, since: now, refused, ...fresh };
    this.#waiting.set(flowRunId, waiting);
    this.#deps.inFlight.waiting.add(flowRunId);
    this.#announce(refused);
    this.#queue.addAfter(flowRunId, this.#delayMs(waiting));
  }

  /** Retries, and sends heartbeats, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const heartbeats = every(HEARTBEAT_CHECK_MS, () => this.#keepAlive(), this.#deps, signal);
    await Promise.all([this.#queue.run(signal), heartbeats]);
  }

  /** Returns after how many milliseconds to try again. */
  async #retry(flowRunId: string): Promise<number | undefined> {
    const waiting = this.#waiting.get(flowRunId);
    if (waiting === undefined) return undefined;
    const { reason } = waiting.refused;
    // While one reason holds all of them back, the first one's try stands for all.
    if (reason !== "passing" && this.#firstOf(reason) !== waiting) {
      await this.#warn(waiting);
      return BACKOFF.maxMs;
    }
    let result: Attempted;
    try {
      result = await this.#deps.retry(waiting.submission);
    } catch (error) {
      if (!isRetryable(error)) this.#settle(waiting);
      throw error;
    }
    // It may have been settled meanwhile: its run was cancelled.
    if (this.#waiting.get(flowRunId) !== waiting) return undefined;
    if (typeof result === "string") {
      this.#settle(waiting);
      return undefined;
    }
    waiting.failures++;
    waiting.refused = result;
    this.#announce(result);
    if (result.reason !== reason) this.#release(reason);
    await this.#warn(waiting);
    return this.#delayMs(waiting);
  }

  #firstOf(reason: WaitReason): Waiting | undefined {
    return [...this.#waiting.values()].find(({ refused }) => refused.reason === reason);
  }

  #delayMs({ refused: { error }, failures }: Waiting): number {
    // Quotas answer 409 to a burst; the next try succeeds.
    if (failures === 0 && error instanceof KubeError && error.status === 409) return 0;
    const askedMs = retryAfterMs(error);
    if (askedMs !== undefined) return Math.min(askedMs, BACKOFF.maxMs);
    return Math.max(BACKOFF.firstMs, backoffMs(BACKOFF, failures, this.#deps.clock));
  }

  #settle(waiting: Waiting): void {
    const { flowRunId } = waiting.submission;
    if (this.#waiting.get(flowRunId) !== waiting) return;
    this.#waiting.delete(flowRunId);
    this.#deps.inFlight.waiting.delete(flowRunId);
    this.#release(waiting.refused.reason);
  }

  /** The reason does not hold any more for one: the next that waits for it tries at once. */
  #release(reason: WaitReason): void {
    const next = this.#firstOf(reason);
    if (next !== undefined) {
      if (reason !== "passing") this.#queue.add(next.submission.flowRunId);
      return;
    }
    const since = this.#since.get(reason);
    if (since === undefined) return;
    this.#since.delete(reason);
    const after = formatDuration(this.#deps.clock.ticks() - since);
    this.#deps.log.info(LOG_LINES[reason][2], { after });
  }

  #announce({ reason, error }: Refused): void {
    if (this.#since.has(reason)) return;
    this.#since.set(reason, this.#deps.clock.ticks());
    const [level, line] = LOG_LINES[reason];
    this.#deps.log[level](line, { error: textOf(error) });
  }

  async #warn(waiting: Waiting): Promise<void> {
    const { submission, refused, since, warned } = waiting;
    if (warned.has(refused.reason) || this.#deps.clock.ticks() - since < WARN_AFTER_MS) return;
    warned.add(refused.reason);
    const { error } = refused;
    const cause = error instanceof KubeError ? error.detail : textOf(error);
    await this.#deps.warn(submission.flowRunId, `The Job cannot be created yet: ${cause}`);
  }

  /**
   * Prefect's Lazarus would reschedule, and in the end fail, a run without a heartbeat for ten minutes. What needs its Job no
   * more, or what Prefect does not know, waits no longer.
   */
  async #keepAlive(): Promise<void> {
    const now = this.#deps.clock.ticks();
    const due = [...this.#waiting.values()].filter(
      ({ keptAliveAt }) => now - keptAliveAt >= HEARTBEAT_EVERY_MS,
    );
    const ids = due.map(({ submission }) => submission.flowRunId);
    await keepAlive(this.#deps.runs, ids);
    for (const waiting of due) waiting.keptAliveAt = now;
    const statuses = await Promise.all(ids.map((id) => this.#deps.states.read(id)));
    for (const [at, run] of statuses.entries()) {
      const waiting = this.#waiting.get(ids[at] ?? "");
      if (waiting !== undefined && !isActive(run.state?.type)) this.#settle(waiting);
    }
  }
}
