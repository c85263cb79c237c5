// Finds claims for this place that have no Job, left by a crash of this agent or by one that is gone, and finishes them: it
// creates the Job, or fails the run if the Job was there and has vanished.

import { isRetryable, textOf } from "../../base/errors.ts";
import { workingPods } from "../../job/observe/disruption.ts";
import { membershipOf } from "../../dask/recognise.ts";
import { identifierOf, isAgentJob } from "../../job/labels.ts";
import { formerJobOf, hasCondition } from "../../job/observe/observed.ts";
import { isOngoing } from "../../job/observe/phase.ts";
import type { Job, Pod } from "../../kube/client/objects.ts";
import { isSameAgent } from "../../orchestrator/agent-identity.ts";
import { isActive } from "../../orchestrator/flow-run.ts";
import { comparePlaces } from "../../orchestrator/place.ts";
import type { Submission, UnfinishedClaim } from "../../orchestrator/work-source.ts";
import { PROCESS_TIMEOUT_MS } from "../ownership.ts";
import { ADOPTION_LINE, LOGGER } from "../run-log.ts";
import { hasObject } from "../run-objects.ts";
import type { SharedState } from "../shared-state.ts";
import { mayLackJob, slotsLeft } from "./slots.ts";
import { isRecent } from "./heartbeat.ts";
import type { Submitter } from "./submit.ts";

const SWEEP_MS = 15_000;
/** While claims of other processes wait for their turn, sweeps come more often. */
const WAITING_SWEEP_MS = 5_000;
/** Running runs without a Job are rarer than claimed ones, and expensive to search for: often after the start, then rarely. */
const FULL_SWEEP_MS = { early: 30_000, late: 600_000 };
const EARLY_MS = 180_000;

interface RecoveryDeps extends SharedState {
  readonly submitter: Submitter;
  /** Queues a run for a decision even if it has no Jobs in the cluster. */
  readonly enqueue: (flowRunId: string) => void;
}

export class Recovery {
  readonly #deps: RecoveryDeps;
  readonly #startedAt: number;
  #fullSweepAt = -Infinity;
  #leftBehind = new Set<string>();
  /** The ids of claims whose Job has ended, as of this sweep and the one before. */
  #ended = { before: new Set<string>(), now: new Set<string>() };
  /** What was told in this sweep and the one before: an outage once for all claims, a refusal once for each run. */
  #told = { before: new Set<string>(), now: new Set<string>() };
  /** Claims of other processes without a Job, by id: the ticks when each was found first and last. */
  readonly #found = new Map<string, { since: number; at: number; isStarted: boolean }>();

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.ticks();
  }

  /** Sweeps at the start and every few seconds until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#sweep(signal);
        this.#deps.metrics.progress("recover");
      } catch (error) {
        if (!signal.aborted)
          this.#deps.log.debug("Could not search for unfinished submissions", { error: textOf(error) });
      }
      const isWaiting = [...this.#found.values()].some(({ isStarted }) => !isStarted);
      await this.#deps.clock.sleep(isWaiting ? WAITING_SWEEP_MS : SWEEP_MS, signal);
    }
  }

  /** Finds claims of this place without a Job, and finishes each that is this agent's to finish. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.ticks();
    const fullSweepMs = now - this.#startedAt < EARLY_MS ? FULL_SWEEP_MS.early : FULL_SWEEP_MS.late;
    const includeStarted = now - this.#fullSweepAt >= fullSweepMs;
    const query = { includeStarted, mayLackJob: (id: string) => mayLackJob(this.#deps, id) };
    this.#leftBehind = new Set();
    this.#ended = { before: this.#ended.now, now: new Set() };
    this.#told = { before: this.#told.now, now: new Set() };
    for await (const page of this.#deps.work.unfinished(query, signal)) {
      await Promise.all(page.map((claim) => this.#tryToFinish(claim, signal)));
    }
    for (const [id, { isStarted, at }] of this.#found)
      if (at < now && (includeStarted || !isStarted)) this.#found.delete(id);
    if (includeStarted) this.#fullSweepAt = now;
    this.#deps.inFlight.leftBehind = this.#leftBehind;
  }

  async #tryToFinish(claim: UnfinishedClaim, signal: AbortSignal): Promise<void> {
    try {
      if (!signal.aborted) await this.#finish(claim);
    } catch (error) {
      if (signal.aborted) return;
      const { flowRunId } = claim.submission;
      const { before, now } = this.#told;
      const told = isRetryable(error) ? "outage" : flowRunId;
      const level = before.has(told) || now.has(told) ? "debug" : "warn";
      now.add(told);
      const fields = { flowRun: flowRunId, error: textOf(error) };
      this.#deps.log[level]("Could not finish a submission, retrying", fields);
    }
  }

  async #finish(claim: UnfinishedClaim): Promise<void> {
    const { submission, record, state } = claim;
    const { flowRunId } = submission;
    if (comparePlaces(record.place, this.#deps.settings.place) !== "same") return;
    const role = this.#roleFor(claim);
    if (role === undefined) return;
    if (!mayLackJob(this.#deps, flowRunId) || (await this.#hasJob(submission))) return;
    if (this.#ended.before.has(record.id)) return this.#noteEnded(claim);
    if (claim.waitsForJob && role !== "witness") this.#leftBehind.add(flowRunId);
    if (!this.#isMyTurn(claim)) return;
    const current = await this.#deps.states.read(flowRunId);
    if (current.kind !== "known" || current.state.version !== state.version) return;
    if (state.type === "cancelling") return this.#deps.enqueue(flowRunId);
    // The run finished during the sweep.
    if (!isActive(current.state.type)) return;
    const { kind, failure } = await this.#historyOf(claim);
    if (kind === "adopted") return;
    if (kind === "ended") {
      // Reported, but Prefect has not taken the state: it was the next claim's, and the Job is gone.
      if (failure !== undefined && claim.waitsForJob)
        return this.#setFailed(flowRunId, `Kubernetes Error: ${failure}`);
      return this.#noteEnded(claim);
    }
    if (!claim.waitsForJob || kind === "created") {
      if (kind === "created" || state.type === "running") await this.#failIfLost(claim);
    } else if (slotsLeft(this.#deps) <= 0) return;
    else if (role === "owner") await this.#deps.submitter.resume(submission);
    else if (role === "heir") await this.#inherit(claim);
  }

  /** Its Job has ended: it needs none, and holds no slot of --limit. */
  #noteEnded({ submission, record }: UnfinishedClaim): void {
    this.#ended.now.add(record.id);
    this.#leftBehind.delete(submission.flowRunId);
  }

  /** Claims the run anew, for a Job by this agent's settings. */
  async #inherit(claim: UnfinishedClaim): Promise<void> {
    const { submitter, work, inFlight } = this.#deps;
    if (submitter.room <= 0 || work.fault()?.canBuild === false) return;
    const { flowRunId } = claim.submission;
    // It counts for --limit from now on: other claims are looked at meanwhile.
    inFlight.add(flowRunId);
    try {
      const anew = await claim.reclaim();
      if (anew !== "lost") await submitter.resume(anew);
    } finally {
      inFlight.remove(flowRunId);
    }
  }

  /**
   * `owner`: the claim is this agent's; `heir`: its agent is gone, and this one may adopt what it has left; `witness`: it has
   * been gone for long, so a lost Job is reported.
   */
  #roleFor({ record, runLabels }: UnfinishedClaim): "owner" | "heir" | "witness" | undefined {
    const { ownership, others } = this.#deps;
    if (isSameAgent(record.agent, this.#deps.settings)) return "owner";
    const presence = others.presence(record.agent);
    if (presence === "alive") return undefined;
    if (ownership.mayAdopt(record.agent, runLabels)) return "heir";
    return presence === "long gone" ? "witness" : undefined;
  }

  /** Whether no other process works on the claim: it has had its time, and none keeps the run alive. */
  #isMyTurn({ record, waitsForJob, isKeptAlive, heartbeatAt }: UnfinishedClaim): boolean {
    if (record.process === this.#deps.settings.process) return true;
    if (waitsForJob && isKeptAlive && isRecent(heartbeatAt, this.#deps)) return false;
    const now = this.#deps.clock.ticks();
    const since = this.#found.get(record.id)?.since ?? now;
    this.#found.set(record.id, { since, at: now, isStarted: !waitsForJob });
    return now - since >= PROCESS_TIMEOUT_MS;
  }

  /** Whether the run has a Job of this claim, or any that is not over. */
  async #hasJob({ flowRunId, identifiers }: Submission): Promise<boolean> {
    const isMatch = (job: Job): boolean =>
      isAgentJob(job.metadata) &&
      ((isOngoing(job) && !hasCondition(job.status, "FailureTarget")) ||
        identifiers.includes(identifierOf(job.metadata) ?? ""));
    if (this.#deps.view.observe(flowRunId).jobs.some(({ job }) => isMatch(job))) return true;
    return hasObject(this.#deps, "jobs", flowRunId, isMatch);
  }

  /**
   * The Job's history by the run's log, which is written after the Job is created and before it is deleted. The end of a Job
   * that the claim has adopted counts as its own's; `adopted`: that Job is there, and its end will be reported.
   */
  async #historyOf({ submission, record }: UnfinishedClaim): Promise<History> {
    const { flowRunId, identifiers } = submission;
    const { runs, kube, settings } = this.#deps;
    // A flow may print as many lines about its Job as it likes.
    const loggers = [LOGGER, settings.name, record.agent.name];
    const linesOf = (containing: readonly string[]): Promise<readonly string[]> =>
      runs.messages(flowRunId, { containing, loggers });
    const own = await linesOf(identifiers.map((identifier) => `-${identifier}`));
    const adopted = own.flatMap((line) => ADOPTION_LINE.exec(line)?.[1] ?? []);
    for (const name of adopted) {
      const job = await kube.get("jobs", { namespace: settings.namespace, name });
      // One that completed, and has not started the flow, is followed by another.
      if (job !== undefined && !hasCondition(job.status, "Complete")) return { kind: "adopted" };
    }
    const ofAdopted = adopted.length === 0 ? [] : await linesOf(adopted);
    if ([...own, ...ofAdopted].some((line) => END_LINE.test(line)))
      return {
        kind: "ended",
        failure: ofAdopted.flatMap((line) => FAILURE_LINE.exec(line)?.[1] ?? []).at(-1),
      };
    return { kind: own.some((line) => /^(?:Submitted for|Event: )/.test(line)) ? "created" : "none" };
  }

  /** Fails a run whose Job has vanished, unless it needs none now or a process of it lives. */
  async #failIfLost(claim: UnfinishedClaim): Promise<void> {
    const { submission, state, hasWaitingTask, heartbeatAt } = claim;
    const { flowRunId } = submission;
    if (state.type === "running" && (hasWaitingTask || isRecent(heartbeatAt, this.#deps))) return;
    if (await hasObject(this.#deps, "pods", flowRunId, (pod) => this.#worksOn(pod))) return;
    const { runLog } = this.#deps;
    const [first = ""] = submission.identifiers;
    const message = `Kubernetes Error: Job ...-${first} was deleted before it finished, while no agent was watching`;
    const line = { flowRunId, name: LOGGER, level: "ERROR", message } as const;
    await runLog.writeUntilAccepted(line, { mayBeThere: true });
    await this.#setFailed(flowRunId, message);
  }

  /** Whether the pod is the flow's own, and neither ended nor lost with its node. */
  #worksOn(pod: Pod): boolean {
    const { kubeTime, view } = this.#deps;
    const alone = { pods: [pod], deletedPods: [], events: [], gone: true, unreachable: view.nodes.since };
    const working = workingPods({ ...alone, job: formerJobOf(pod, "") }, kubeTime.now());
    return working.length > 0 && membershipOf(pod) === undefined;
  }

  async #setFailed(flowRunId: string, message: string): Promise<void> {
    const { runs, log, metrics } = this.#deps;
    // Read again: a pod may have outlived the Job and finished the run.
    const { state } = await this.#deps.states.read(flowRunId);
    if (!isActive(state?.type)) return;
    const version = state?.version;
    if ((await runs.transition(flowRunId, { type: "failed", message, version })) !== "accepted") return;
    metrics.count("decisions", "fail");
    log.info("Flow run ended", { flowRun: flowRunId, state: "Failed", message });
  }
}

/** The lines that report the end of a Job (job/decide, supervise/executor.ts). */
const END_LINE = /^(?:After )?Job \S+(?:: | completed with exit code 0)/;
/** Of these the post-mortem of a failed Job: why it failed. */
const FAILURE_LINE = /^Job \S+: (.+)/;

/** What the run's log tells of a claim's Job; `failure`: why one that the claim had adopted has failed. */
interface History {
  readonly kind: "none" | "created" | "ended" | "adopted";
  readonly failure?: string | undefined;
}
