// Follows the logs of a flow run's pods, through a retry into its new Job.

import { attempt } from "../../../base/attempt.ts";
import { withRetry } from "../../../base/retry.ts";
import { isJobFinished } from "../../../job/observe/phase.ts";
import type { ObservedJob } from "../../../job/observe/observed.ts";
import { hasEnded } from "../../../job/observe/pod-termination.ts";
import { isOver, type RunStatus, type StateType } from "../../../orchestrator/flow-run.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";
import { LogStream } from "./log-stream.ts";
import {
  jobsToLog,
  logTargets,
  noLogReason,
  podsOf,
  type LogOptions,
  type LogTarget,
} from "./log-targets.ts";
import { hostText, listRuns, noContainer, prefixOf, printRunLogs } from "./run-logs.ts";
import type { LogDeps, LoggedRun } from "./run-logs.ts";

const POLL_MS = 1_000;
/** How often Prefect is asked whether a run without a Job that works has ended. */
const STATE_POLL_MS = 3_000;
/** A run that is claimed has its Job soon, unless Kubernetes takes none, or nobody tells of the end of its last one. */
const CLAIM_MS = 30_000;
/** Of a run whose process has no Job here. */
const ELSEWHERE = "; it is Running elsewhere: without -f its log in Prefect is printed";
/** Listings before the command fails; a restart of the API server takes fewer. */
const RETRY = { attempts: 30, shape: { firstMs: POLL_MS, maxMs: POLL_MS } };

/** Follows the logs until the run's Jobs have finished or the signal aborts. Waits for the first pod. */
export async function followRunLogs(deps: LogDeps, run: LoggedRun, options: LogOptions): Promise<void> {
  const { clock, signal } = deps;
  const readStatus = statusReader(deps, run);
  const streams = new Streams(deps, options);
  let hadJobs = false;
  let host: ReturnType<typeof hostText> | undefined;
  let lastMessage = "";
  /** How many Jobs there were when all were found finished. */
  let finishedJobs: number | undefined;
  /** Until when a claimed run may lack its Job; ticks. */
  let claimedUntil = 0;
  while (!signal.aborted) {
    const list = withRetry(() => listRuns(deps, run), { clock, signal, ...RETRY });
    const runs = await list.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (runs === undefined) return;
    const jobs = jobsToLog(runs, options);
    const jobless = jobs.length === 0 && !hadJobs ? await readStatus(STATE_POLL_MS) : undefined;
    if (jobless !== undefined && isOver(jobless))
      return printRunLogs(deps, { ...run, status: jobless }, options);
    hadJobs ||= jobs.length > 0;
    const pods = podsOf(jobs);
    const targets = logTargets(pods, options);
    if (pods.length > 0 && targets.length === 0) throw noContainer(pods, options);
    streams.follow(targets);
    let message = waitingFor(targets, jobs.length, deps.namespace);
    if (jobless !== undefined) {
      host ??= hostText(deps, run);
      const inHost = await host;
      if (inHost !== undefined) message = `waiting for the run's end; ${inHost} -f`;
      else if (isIn(jobless, "running")) message += ELSEWHERE;
    }
    if (hadJobs && jobs.every(hasFinished)) {
      const hasLogs = await streams.ended();
      const isNew = jobs.length !== finishedJobs;
      finishedJobs = jobs.length;
      const status = await readStatus(isNew ? 0 : STATE_POLL_MS);
      if (isIn(status, "scheduled") || claimedUntil === 0) claimedUntil = clock.ticks() + CLAIM_MS;
      const isClaimed = isIn(status, "pending") && clock.ticks() < claimedUntil;
      const getsJob = run.job === undefined && (isIn(status, "scheduled") || isClaimed);
      // A retry may have got its Job meanwhile: list once more.
      if (isNew && !getsJob) continue;
      if (!getsJob) {
        if (!hasLogs)
          deps.printMessage("warning: the run's Jobs have finished, and their logs no longer exist");
        return;
      }
      message = "waiting for the run's next Job";
    }
    if (message !== "" && message !== lastMessage) deps.printMessage(message);
    lastMessage = message;
    await clock.sleep(POLL_MS, AbortSignal.any([signal, streams.failed]));
    streams.failed.throwIfAborted();
  }
}

/** Whether the Job has finished; one that is gone has when its pods have. */
function hasFinished({ job, pods, gone }: ObservedJob): boolean {
  return gone ? pods.every(hasEnded) : isJobFinished(job);
}

function isIn(run: RunStatus, type: StateType): boolean {
  return run.state?.type === type;
}

/** Reads the run's status, unless it was read within so many milliseconds. While Prefect does not answer, it is the last. */
function statusReader(
  { directories, clock, signal }: LogDeps,
  { flowRunId: id, prefectVersion, status }: ResolvedRun,
): (maxAgeMs: number) => Promise<RunStatus> {
  let last = status;
  let askedAt = clock.ticks();
  return async (maxAgeMs) => {
    if (isOver(last) || clock.ticks() - askedAt < maxAgeMs) return last;
    askedAt = clock.ticks();
    const asked = attempt(async () => directories[prefectVersion]?.runs([id], signal));
    const answer = await asked.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (answer?.ok !== true || answer.value === undefined) return last;
    const run = answer.value.get(id);
    return (last = run === undefined ? { kind: "missing" } : { kind: "known", ...run });
  };
}

/** What has not started yet; "": nothing. */
function waitingFor(targets: readonly LogTarget[], jobs: number, namespace: string | undefined): string {
  const where = namespace === undefined ? "" : ` in namespace "${namespace}" (in all with -A)`;
  if (targets.length === 0)
    return jobs === 0 ? `waiting for the run's Job${where}` : "waiting for the Job's pod";
  const first = targets.find(({ startedAt }) => startedAt === undefined);
  return first === undefined ? "" : `waiting for pod "${first.pod.metadata.name}": ${noLogReason(first)}`;
}

/** The logs that are followed, one for each start of a container. */
class Streams {
  readonly #deps: LogDeps;
  readonly #options: LogOptions;
  readonly #streams = new Map<string, { readonly stream: LogStream; readonly ended: Promise<void> }>();
  readonly #failure = new AbortController();
  /** Aborts when a stream has failed permanently. */
  readonly failed = this.#failure.signal;
  /** --tail and --since apply only to pods of the first listing; later ones are printed from the start. */
  #isFirstListing = true;

  constructor(deps: LogDeps, options: LogOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Follows those that have started, and are not followed yet. */
  follow(targets: readonly LogTarget[]): void {
    const { timestamps, tailLines, sinceSeconds } = this.#options;
    const range = this.#isFirstListing ? { timestamps, tailLines, sinceSeconds } : { timestamps };
    if (targets.length > 0) this.#isFirstListing = false;
    for (const target of targets) {
      const { pod, container, startedAt, isRunning } = target;
      const key = `${pod.metadata.uid}/${container}/${startedAt}`;
      const known = this.#streams.get(key);
      if (startedAt === undefined || (known !== undefined && !(isRunning && known.stream.isDone))) continue;
      const options = { ...range, prefix: prefixOf(target, this.#options) };
      const stream = known?.stream ?? new LogStream(this.#deps, target, options);
      const following = stream.follow(this.#deps.signal);
      const ended = following.catch((error: unknown) => this.#failure.abort(error));
      this.#streams.set(key, { stream, ended });
    }
  }

  /** Waits for their ends; false: there was none. Throws what one has failed with. */
  async ended(): Promise<boolean> {
    await Promise.all([...this.#streams.values()].map(({ ended }) => ended));
    this.failed.throwIfAborted();
    return this.#streams.size > 0;
  }
}
