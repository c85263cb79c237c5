// launch: poll → [wait · claim] → createJob → say so. One flow run, from found to Job; its claims, state checks and
// logs leave in batches with those of others.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import { Batcher } from "../../base/batch.ts";
import { retry } from "../../base/backoff.ts";
import { isRetryable, textOf } from "../../base/errors.ts";
import { Limit } from "../../base/limit.ts";
import type { Claim, ClaimOutcome, RunLog, RunState } from "../../prefect/api.ts";
import { PrefectError } from "../../prefect/errors.ts";
import type { FlowRun } from "../../prefect/flow-run.ts";
import { newState, startTimeOf } from "../../prefect/state.ts";
import { KubeError } from "../../kube/errors.ts";
import type { ClusterView } from "../cluster-view.ts";
import { submissionOf } from "./claim-mark.ts";
import type { Submission } from "./claim-mark.ts";
import { createJob } from "./create-job.ts";
import type { InHand } from "./in-hand.ts";

const BATCH = 100;
const BACKOFF = { firstMs: 250, maxMs: 15_000 };
/** A run that waited longer than this may have changed meanwhile: cancelled, rescheduled, taken. */
const STALE_AFTER_MS = 1_000;

/** Submits flow runs; each ends as a Job, as Failed with the reason, or with whoever took it. */
export class Submitter {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #view: Pick<ClusterView, "liveJobOf">;
  readonly #inHand: InHand;
  readonly #limit: Limit;
  readonly #claims: Batcher<Claim, ClaimOutcome>;
  readonly #taskClaims: Batcher<readonly Claim[], ClaimOutcome>;
  readonly #states: Batcher<string, RunState | undefined>;
  readonly #logs: Batcher<RunLog, undefined>;

  constructor(
    deps: AgentDeps,
    settings: AgentSettings,
    world: { readonly view: Pick<ClusterView, "liveJobOf">; readonly inHand: InHand },
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#view = world.view;
    this.#inHand = world.inHand;
    this.#limit = new Limit(settings.concurrency);
    const { prefect } = deps;
    const pair = { maxSize: BATCH, maxRequests: 2 };
    this.#claims = new Batcher((claims) => prefect.claim(claims), pair);
    this.#taskClaims = new Batcher((groups) => claimGroups(prefect, groups), { maxSize: 10, maxRequests: 2 });
    this.#states = new Batcher(async (ids) => {
      const found = await prefect.runStates(ids);
      return ids.map((id) => found.get(id));
    }, pair);
    this.#logs = new Batcher(
      async (logs) => {
        await this.#patiently(() => prefect.writeLogs(logs));
        return logs.map(() => undefined);
      },
      { maxSize: 200, maxRequests: 1 },
    );
  }

  /** Never rejects. Resolves when the claim is settled; the rest goes on, counted by `inHand`. */
  begin(flowRun: FlowRun, signal: AbortSignal): Promise<void> {
    this.#inHand.take(flowRun.id);
    return new Promise((claimed) => {
      void this.#submit(flowRun, { signal, claimed }).finally(() => {
        claimed();
        this.#inHand.release(flowRun.id);
      });
    });
  }

  /** Finishes a submission that was claimed, here or by a sibling, but has no Job. */
  async resume(flowRun: FlowRun, identifier: string, signal: AbortSignal): Promise<void> {
    this.#inHand.take(flowRun.id);
    this.#deps.log.info("Finishing a submission that was left without a Job", { flowRun: flowRun.id });
    this.#deps.meter.count("resumed");
    try {
      await this.#create(flowRun, identifier, signal);
    } finally {
      this.#inHand.release(flowRun.id);
    }
  }

  async #submit(
    flowRun: FlowRun,
    until: { readonly signal: AbortSignal; readonly claimed: () => void },
  ): Promise<void> {
    const { log, meter } = this.#deps;
    try {
      const startAt = await this.#waitForStart(flowRun, until.signal);
      if (startAt === undefined) return;
      if (flowRun.state === "Running" && this.#view.liveJobOf(flowRun.id) !== undefined) return;
      log.info("Deploying flow run", { flowRun: flowRun.id, name: flowRun.name ?? undefined });
      const submission = submissionOf(flowRun, this.#settings.place, this.#deps.newClaimId());
      const outcome = await this.#patiently(() => this.#claim(submission));
      until.claimed();
      if (outcome === "taken") {
        meter.count("taken");
        return log.debug("Flow run was taken by another agent", { flowRun: flowRun.id });
      }
      if (await this.#adopted(flowRun)) return;
      const made = await this.#create(flowRun, submission.mark.identifier, until.signal);
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
  async #waitForStart(flowRun: FlowRun, signal: AbortSignal): Promise<Date | undefined> {
    const { clock } = this.#deps;
    const now = clock.now();
    const startAt = flowRun.state === "Running" ? now : (startTimeOf(flowRun.serialized_state) ?? now);
    const waitMs = startAt.getTime() - now.getTime();
    if (waitMs <= 0) return startAt;
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    if (waitMs < STALE_AFTER_MS) return startAt;
    const current = await this.#patiently(() => this.#states.add(flowRun.id));
    return current?.version === flowRun.version ? startAt : undefined;
  }

  #claim(submission: Submission): Promise<ClaimOutcome> {
    const [first, ...rest] = submission.claims;
    // A Running run whose overdue task runs are no longer scheduled: somebody has just claimed them.
    if (first === undefined) return Promise.resolve("taken");
    if (submission.of === "flow run" && rest.length === 0) return this.#claims.add(first);
    return this.#taskClaims.add(submission.claims);
  }

  /** Lazarus reschedules runs that are still pulling their image: the Job that stands does the work. */
  async #adopted(flowRun: FlowRun): Promise<boolean> {
    const live = this.#view.liveJobOf(flowRun.id);
    if (live === undefined) return false;
    const { name, namespace, uid } = live.metadata;
    const fresh = await this.#patiently(() => this.#deps.kube.get("jobs", { namespace, name }));
    if (fresh?.metadata.uid !== uid || fresh.metadata.deletionTimestamp !== undefined) return false;
    this.#deps.meter.count("adopted");
    await this.#say(flowRun.id, "INFO", `Submitted again: adopted by Job ${name}, which is still at work`);
    return true;
  }

  /** True when the Job stands; else the run was failed with the reason. */
  async #create(flowRun: FlowRun, identifier: string, signal: AbortSignal): Promise<boolean> {
    const { log, meter } = this.#deps;
    try {
      const name = await this.#limit.run(() =>
        createJob(this.#deps, this.#settings, { flowRun, identifier, signal }),
      );
      this.#inHand.created(flowRun.id);
      meter.count("submitted");
      log.info("Completed deployment of flow run", { flowRun: flowRun.id, job: name });
      await this.#say(flowRun.id, "INFO", `Submitted for execution: Job ${name}`);
      return true;
    } catch (error) {
      if (isRetryable(error) || isRefusal(error)) throw error;
      meter.count("submissionFailed", error instanceof KubeError ? error.reason : "job");
      log.error("Exception encountered while deploying flow run", {
        flowRun: flowRun.id,
        error: textOf(error),
      });
      await this.#fail(
        flowRun,
        error instanceof KubeError ? `Kubernetes Error: ${error.detail}` : textOf(error),
      );
      return false;
    }
  }

  async #fail(flowRun: FlowRun, message: string): Promise<void> {
    await this.#say(flowRun.id, "ERROR", message);
    await this.#patiently(() =>
      this.#deps.prefect.setState({ flowRunId: flowRun.id, state: newState("Failed", message) }),
    );
  }

  async #say(flowRunId: string, level: RunLog["level"], message: string): Promise<void> {
    await this.#logs.add({ flowRunId, name: this.#settings.name, level, message });
  }

  /** What passes is ridden out; a claim is worth more than the process's impatience. */
  #patiently<T>(call: () => Promise<T>): Promise<T> {
    return retry(call, { clock: this.#deps.clock, shape: BACKOFF, attempts: 12 });
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

/** Our own rights or credentials are at fault, not the run: it must not be failed for that. */
function isRefusal(error: unknown): boolean {
  if (error instanceof PrefectError) return error.failure === "unauthorized";
  return error instanceof KubeError && (error.status === 401 || error.reason === "BadCertificate");
}
