// Follows the logs of a flow run's pods, through a retry into its new Job.

import { attempt } from "../../../base/attempt.ts";
import { withRetry } from "../../../base/retry.ts";
import { isJobFinished } from "../../../job/observe/phase.ts";
import { isFinished } from "../../../orchestrator/flow-run.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";
import { LogStream } from "./log-stream.ts";
import { logTargets, noLogReason, podsOfRun, type LogOptions, type LogTarget } from "./log-targets.ts";
import { listRuns, noContainer, prefixOf, printRunLogs, type LogDeps } from "./run-logs.ts";

const POLL_MS = 1_000;
/** How often Prefect is asked whether a run without a Job has ended. */
const STATE_POLL_MS = 3_000;
/** Listings before the command fails; a restart of the API server takes fewer. */
const RETRY = { attempts: 30, shape: { firstMs: POLL_MS, maxMs: POLL_MS } };

/** Follows the logs until the run's Jobs have finished or the signal aborts. Waits for the first pod. */
export async function followRunLogs(deps: LogDeps, run: ResolvedRun, options: LogOptions): Promise<void> {
  const { clock, signal } = deps;
  const hasEnded = endCheck(deps, run);
  const streams = new Streams(deps, options);
  let hadJobs = false;
  let lastMessage = "";
  /** How many Jobs there were when all were found finished. */
  let finishedJobs: number | undefined;
  while (!signal.aborted) {
    const list = withRetry(() => listRuns(deps, run), { clock, signal, ...RETRY });
    const runs = await list.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (runs === undefined) return;
    const jobs = runs.flatMap(({ observed }) => observed.jobs);
    if (jobs.length === 0 && !hadJobs && (await hasEnded())) return printRunLogs(deps, run, options);
    hadJobs ||= jobs.length > 0;
    const pods = podsOfRun(runs);
    const targets = logTargets(pods, options);
    if (pods.length > 0 && targets.length === 0) throw noContainer(pods, options);
    streams.follow(targets);
    const message = waitingFor(targets, jobs.length);
    if (message !== "" && message !== lastMessage) deps.printMessage(message);
    lastMessage = message;
    if (hadJobs && jobs.every(({ job }) => isJobFinished(job))) {
      const hasLogs = await streams.ended();
      // A retry may have got its Job meanwhile: list once more.
      if (jobs.length !== finishedJobs) {
        finishedJobs = jobs.length;
        continue;
      }
      if (!hasLogs)
        deps.printMessage("warning: the run's Jobs have finished, and their logs no longer exist");
      return;
    }
    await clock.sleep(POLL_MS, AbortSignal.any([signal, streams.failed]));
    streams.failed.throwIfAborted();
  }
}

/** Whether the run has ended in Prefect, or was deleted there; it is asked every few seconds. */
function endCheck(
  { directories, clock, signal }: LogDeps,
  { id, prefectVersion, status }: ResolvedRun,
): () => Promise<boolean> {
  let isOver = status.kind === "known" && isFinished(status.state.type);
  let askedAt = clock.ticks();
  return async () => {
    if (isOver || clock.ticks() - askedAt < STATE_POLL_MS) return isOver;
    askedAt = clock.ticks();
    const asked = attempt(async () => directories[prefectVersion]?.runs([id], signal));
    const answer = await asked.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    // While Prefect does not answer, the Job may come.
    if (answer?.ok !== true || answer.value === undefined) return false;
    const run = answer.value.get(id);
    return (isOver = run === undefined || isFinished(run.state.type));
  };
}

/** What has not started yet; "": nothing. */
function waitingFor(targets: readonly LogTarget[], jobs: number): string {
  if (targets.length === 0) return jobs === 0 ? "waiting for the run's Job" : "waiting for the Job's pod";
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
