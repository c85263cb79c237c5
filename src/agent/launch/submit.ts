// launch: poll → [wait · claim] → createJob → say so. One flow run, from found to Job; its claims, state checks and
// logs leave in batches with those of others.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import { Batcher } from "../../base/batch.ts";
import { withRetry } from "../../base/backoff.ts";
import { isRetryable, textOf } from "../../base/errors.ts";
import { Limit } from "../../base/limit.ts";
import { isOver } from "../../job/observe/phase.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { Claim, ClaimOutcome, RunLog } from "../../prefect1/api.ts";
import { PrefectError } from "../../prefect1/errors.ts";
import type { FlowRun } from "../../prefect1/flow-run.ts";
import { newState, startTimeOf } from "../../prefect1/states.ts";
import type { ClusterView } from "../cluster-view.ts";
import { claimsOf, submissionOf } from "../../prefect1/submission.ts";
import type { Submission } from "../../prefect1/submission.ts";
import { createJob } from "./create-job.ts";
import type { InFlight } from "./in-flight.ts";
import { RunLogWriter } from "./run-log.ts";
import { Fakeg } from "./current-claims.ts";

const BATCH = 100;
/** Claimed runs that wait for the creation of their Jobs: more of them would only be kept from other agents. */
const BACKLOG = 250;
const BACKOFF = { firstMs: 250, maxMs: 15_000 };
/** A run that waited longer than this may have changed meanwhile: cancelled, rescheduled, taken. */
const STALE_AFTER_MS = 1_000;

/** `begun`: claimed, or waiting for its start; `left`: somebody else's, or not to be had now. */
export type Beginning = "begun" | "left";

interface Until {
  readonly signal: AbortSignal;
  readonly settled: (beginning: Beginning) => void;
}

/** Submits flow runs; each ends as a Job, as Failed with the reason, or with whoever took it. */
export class Submitter {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #view: Pick<ClusterView, "liveJobOf" | "showsJob">;
  readonly #inFlight: InFlight;
  readonly #limit: Limit;
  readonly #claims: Batcher<Claim, ClaimOutcome>;
  readonly #taskClaims: Batcher<readonly Claim[], ClaimOutcome>;
  readonly #standing: Fakeg;
  readonly #log: RunLogWriter;

  constructor(
    deps: AgentDeps,
    settings: AgentSettings,
    world: { readonly view: Pick<ClusterView, "liveJobOf" | "showsJob">; readonly inFlight: InFlight },
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#view = world.view;
    this.#inFlight = world.inFlight;
    this.#limit = new Limit(settings.concurrency);
    const { prefect } = deps;
    this.#claims = new Batcher((claims) => prefect.claim(claims), { maxSize: BATCH, maxRequests: 2 });
    this.#taskClaims = new Batcher((groups) => claimGroups(prefect, groups), { maxSize: 10, maxRequests: 2 });
    this.#standing = new Fakeg(prefect);
    this.#log = new RunLogWriter(deps);
  }

  /** Never rejects. Resolves when the claim is settled or its time has not come; the rest goes on, counted by `inFlight`. */
  begin(flowRun: FlowRun, signal: AbortSignal): Promise<Beginning> {
    this.#inFlight.add(flowRun.id);
    return new Promise((settled) => {
      void this.#submit(flowRun, { signal, settled }).finally(() => {
        settled("left");
        this.#inFlight.remove(flowRun.id);
      });
    });
  }

  /** Resolves when claims are not far ahead of Jobs: what is claimed no sooner costs no memory and is lost to nobody. */
  caughtUp(signal: AbortSignal): Promise<void> {
    return this.#limit.fewerWaiting(BACKLOG, signal);
  }

  /** Finishes a submission that was claimed, here or by a sibling, but has no Job. */
  async resume(submission: Submission, signal: AbortSignal): Promise<void> {
    const { id } = submission.flowRun;
    this.#inFlight.add(id);
    this.#deps.log.info("Finishing a submission that was left without a Job", { flowRun: id });
    this.#deps.meter.count("resumed");
    try {
      await this.#create(submission, signal);
    } finally {
      this.#inFlight.remove(id);
    }
  }

  async #submit(flowRun: FlowRun, until: Until): Promise<void> {
    const { log, meter } = this.#deps;
    try {
      const startAt = await this.#waitForStart(flowRun, until);
      if (startAt === undefined) return;
      log.info("Deploying flow run", { flowRun: flowRun.id, name: flowRun.name ?? undefined });
      const { scope: place, identity: by } = this.#settings;
      const submission = submissionOf(flowRun, { id: this.#deps.newClaimId(), scope: place, by });
      if ((await this.#claim(submission)) === "taken") {
        meter.count("taken");
        return log.debug("Flow run was taken by another agent", { flowRun: flowRun.id });
      }
      until.settled("begun");
      if (await this.#adopted(flowRun)) return;
      const made = await this.#create(submission, until.signal);
      if (made) meter.startDelay(Math.max(0, this.#deps.clock.now().getTime() - startAt.getTime()) / 1_000);
    } catch (error) {
      meter.count("submissionFailed", "unfinished");
      log.error("Could not submit a flow run; it will be found again", {
        flowRun: flowRun.id,
        error: textOf(error),
      });
    }
  }

  /** When the run was due, or undefined when it need not start any more. Waiting holds no worker. */
  async #waitForStart(flowRun: FlowRun, { signal, settled }: Until): Promise<Date | undefined> {
    const { clock } = this.#deps;
    const now = clock.now();
    const startAt = flowRun.state === "Running" ? now : (startTimeOf(flowRun.serialized_state) ?? now);
    const waitMs = startAt.getTime() - now.getTime();
    if (waitMs <= 0) return startAt;
    settled("begun");
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    if (waitMs < STALE_AFTER_MS) return startAt;
    const isSame = await this.#withRetry(() => this.#standing.isUnchanged(flowRun.id, flowRun.version));
    return isSame ? startAt : undefined;
  }

  /** A repeat looks first: its answer may only have got lost, and others act meanwhile. */
  #claim(submission: Submission): Promise<ClaimOutcome> {
    const claims = claimsOf(submission);
    let again = false;
    return this.#withRetry(() => {
      const wanted = claims.map((claim) => ({ ...claim, again }));
      again = true;
      const [first] = wanted;
      // A Running run whose overdue task runs are no longer scheduled: somebody has just claimed them.
      if (first === undefined) return Promise.resolve("taken" as const);
      return submission.of === "flow run" ? this.#claims.add(first) : this.#taskClaims.add(wanted);
    });
  }

  /** Lazarus reschedules runs that are still pulling their image: the Job that stands does the work. */
  async #adopted(flowRun: FlowRun): Promise<boolean> {
    const live = this.#view.liveJobOf(flowRun.id);
    if (live === undefined) return false;
    const { name, namespace, uid } = live.metadata;
    const fresh = await this.#withRetry(() => this.#deps.kube.get("jobs", { namespace, name }));
    if (fresh?.metadata.uid !== uid || fresh.metadata.deletionTimestamp !== undefined || isOver(fresh))
      return false;
    this.#deps.meter.count("adopted");
    await this.#say(flowRun.id, "INFO", `Submitted again: adopted by Job ${name}, which is still at work`);
    return true;
  }

  /** True when this process made the Job. A run that can have none is failed with the reason. */
  async #create(submission: Submission, signal: AbortSignal): Promise<boolean> {
    const { log, meter } = this.#deps;
    const { flowRun } = submission;
    const stands = (): Promise<boolean> => this.#standing.isClaimCurrent(submission);
    const due = { submission, signal, stands };
    const creation = await this.#limit
      .run(() => createJob(this.#deps, this.#settings, due))
      .catch(async (error: unknown) => {
        if (isRetryable(error) || isRefusal(error)) throw error;
        await this.#fail(submission, error);
        return undefined;
      });
    if (creation === undefined) return false;
    if (creation.outcome === "over") {
      log.debug("The flow run needs no Job any more", { flowRun: flowRun.id });
      return false;
    }
    // The watch can be faster than the answer.
    if (!this.#view.showsJob(flowRun.id, creation.name)) this.#inFlight.created(flowRun.id);
    // Whoever made it says so.
    if (creation.outcome === "theirs") return false;
    meter.count("submitted");
    log.info("Completed deployment of flow run", { flowRun: flowRun.id, job: creation.name });
    await this.#say(flowRun.id, "INFO", `Submitted for execution: Job ${creation.name}`);
    return true;
  }

  /** Tells the run's owner why, once, and fails the run, unless somebody has changed its state meanwhile. */
  async #fail(submission: Submission, error: unknown): Promise<void> {
    const { log, meter, prefect } = this.#deps;
    const { id } = submission.flowRun;
    meter.count("submissionFailed", error instanceof KubeError ? error.reason : "job");
    log.error("Exception encountered while deploying flow run", { flowRun: id, error: textOf(error) });
    const message = error instanceof KubeError ? `Kubernetes Error: ${error.detail}` : textOf(error);
    if (!(await this.#withRetry(() => this.#standing.isClaimCurrent(submission)))) return;
    // A crash between the two leaves the line without the state.
    const said = await this.#withRetry(() => prefect.mentions(id, [message]));
    if (!said.includes(message)) await this.#say(id, "ERROR", message);
    await this.#withRetry(() => prefect.setState({ flowRunId: id, state: newState("Failed", message) }));
  }

  async #say(flowRunId: string, level: RunLog["level"], message: string): Promise<void> {
    const timestamp = this.#deps.clock.now();
    await this.#log.say({ flowRunId, name: this.#settings.name, level, message, timestamp });
  }

  /** What passes is ridden out; a claim is worth more than the process's impatience. */
  #withRetry<T>(call: () => Promise<T>): Promise<T> {
    const onRetry = (error: unknown): void =>
      this.#deps.log.debug("Could not go on with a submission, trying again", { error: textOf(error) });
    return withRetry(call, { clock: this.#deps.clock, shape: BACKOFF, attempts: 12, onRetry });
  }
}

/** Task runs of several flow runs in one mutation; a group whose every task was lost is taken. */
async function claimGroups(
  prefect: AgentDeps["prefect"],
  groups: readonly (readonly Claim[])[],
): Promise<ClaimOutcome[]> {
  const outcomes = await prefect.claimTasks(groups.flat());
  let from = 0;
  return groups.map((group) => {
    const own = outcomes.slice(from, (from += group.length));
    return own.includes("claimed") ? "claimed" : "taken";
  });
}

/** Prefect itself, or our own rights or credentials are at fault, not the run: it must not be failed for that. */
function isRefusal(error: unknown): boolean {
  if (error instanceof PrefectError) return true;
  return error instanceof KubeError && (error.status === 401 || error.reason === "BadCertificate");
}
