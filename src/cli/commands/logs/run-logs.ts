// The logs of a flow run's pods in all of its Jobs; follows a retry into its new Job.

import { NO_STATES } from "../../../inventory/run-states.ts";
import { ExpectedError } from "../../../base/errors.ts";
import { shellWord } from "../../../base/shell-word.ts";
import { isJobFinished } from "../../../job/observe/phase.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { loadInventory } from "../../../inventory/load.ts";
import { linesOf } from "../../../base/lines.ts";
import { lineOf, LogStream, readError } from "./log-stream.ts";
import type { LogDeps, LogRange } from "./log-stream.ts";
import type { RunDirectory } from "../../../orchestrator/run-directory.ts";
import { printPrefectLog } from "./prefect-log.ts";
import { containerNames, logTargets, podsOfRun, noLogReason } from "./log-targets.ts";
import type { LogChoice, LogTarget } from "./log-targets.ts";

/** The flow run whose logs to print. */
export interface LogSubject {
  readonly flowRunId: string;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** The run has ended in Prefect. */
  readonly isOver: boolean;
  /** The Prefect that has the run's log; undefined: none is configured. */
  readonly directory: Pick<RunDirectory, "log"> | undefined;
}

export interface LogOptions extends LogChoice, LogRange {
  /** What each line starts with, when several runs are printed. */
  readonly runPrefix: string;
  /** The log of the previous run of the container, else of the previous pod. */
  readonly previous: boolean;
}

const POLL_MS = 1_000;
/** Failed listings in a row before the command fails; a restart of the API server takes fewer. */
const MAX_FAILURES = 30;

/** Prints the existing logs. Throws ExpectedError when there are none. */
export async function printRunLogs(
  deps: LogDeps,
  subject: LogSubject,
  options: LogOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const pods = podsOfRun(await listRuns(deps, subject, options.signal));
  const targets = logTargets(pods, options);
  if (pods.length === 0) {
    if (await printFromPrefect(deps, subject, options)) return;
    const { flowRunId, namespace } = subject;
    const where = namespace === undefined ? "the cluster" : `namespace "${namespace}"`;
    throw new ExpectedError(`cannot read the logs of flow run "${flowRunId}": it has no pod in ${where}`, {
      hint: `wait for it with -f${namespace === undefined ? "" : ", search all namespaces with -A"}, or see why with: ${inspect(subject)}`,
    });
  }
  if (targets.length === 0) throw noContainer(pods, options);
  let printed = 0;
  for (const target of targets) {
    if (await printOne(deps, target, { ...options, pods, prefix: prefixOf(target, options) })) printed++;
    else if (targets.length > 1)
      deps.printMessage(`warning: pod "${target.pod.metadata.name}": ${noLogReason(target)}`);
  }
  const [first] = targets;
  if (printed > 0 || first === undefined) return;
  const reason = options.previous ? "it has no previous container" : noLogReason(first);
  throw new ExpectedError(`cannot read the log of pod "${first.pod.metadata.name}": ${reason}`, {
    hint: `see why with: ${inspect(subject)}`,
  });
}

/** Follows the logs until the run's Jobs have finished or the signal aborts. Waits for the first pod. */
export async function followRunLogs(
  deps: LogDeps,
  subject: LogSubject,
  options: LogOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  const follower = new LogFollower(deps, options);
  let hadJobs = false;
  while (!signal.aborted) {
    const runs = await follower.listRuns(subject);
    if (runs === undefined) continue;
    const jobs = runs.flatMap((run) => run.observed.jobs);
    if (subject.isOver && jobs.length === 0 && !hadJobs) return printRunLogs(deps, subject, options);
    hadJobs ||= jobs.length > 0;
    const pods = podsOfRun(runs);
    const targets = logTargets(pods, options);
    if (pods.length > 0 && targets.length === 0) throw noContainer(pods, options);
    for (const target of targets) follower.follow(target);
    follower.reportWaiting(targets, jobs.length);
    if (hadJobs && jobs.every(({ job }) => isJobFinished(job))) return follower.end();
    await deps.clock.sleep(POLL_MS, AbortSignal.any([signal, follower.failed]));
    follower.check();
  }
}

class LogFollower {
  readonly #deps: LogDeps;
  readonly #options: LogOptions & { readonly signal: AbortSignal };
  readonly #streams = new Map<string, { readonly stream: LogStream; ended: Promise<void> }>();
  readonly #failure = new AbortController();
  /** --tail and --since apply only to pods of the first listing; later ones are printed from the start. */
  #isFirstListing = true;
  #lastMessage = "";
  #failures = 0;

  constructor(deps: LogDeps, options: LogOptions & { readonly signal: AbortSignal }) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The run's Jobs and pods; undefined after an error that can be retried. Throws any other error. */
  async listRuns(subject: LogSubject): Promise<readonly InventoryRun[] | undefined> {
    const { signal } = this.#options;
    try {
      const runs = await listRuns(this.#deps, subject, signal);
      this.#failures = 0;
      return runs;
    } catch (error) {
      if (signal.aborted) return undefined;
      const canRetry = error instanceof ExpectedError && error.retryable && this.#failures < MAX_FAILURES;
      if (!canRetry) throw error;
      this.#failures++;
      await this.#deps.clock.sleep(POLL_MS, signal);
      return undefined;
    }
  }

  /** Aborts when a stream has failed permanently. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  follow(target: LogTarget): void {
    const { pod, container, startedAt, isRunning } = target;
    if (startedAt === undefined) return;
    const key = `${pod.metadata.uid}/${container}/${startedAt}`;
    const known = this.#streams.get(key);
    if (known !== undefined && !(isRunning && known.stream.isDone)) return;
    const stream = known?.stream ?? new LogStream(this.#deps, target, prefixOf(target, this.#options));
    const { timestamps, tailLines, sinceSeconds, signal } = this.#options;
    const range = this.#isFirstListing ? { timestamps, tailLines, sinceSeconds } : { timestamps };
    const ended = stream.follow(range, signal).catch((error: unknown) => this.#failure.abort(error));
    this.#streams.set(key, { stream, ended });
  }

  /** Prints what it waits for, once and whenever that changes. */
  reportWaiting(targets: readonly LogTarget[], jobs: number): void {
    if (targets.length > 0) this.#isFirstListing = false;
    const waiting = targets.filter(({ startedAt }) => startedAt === undefined);
    const [first] = waiting;
    const none = jobs === 0 ? "waiting for the run's Job" : "waiting for the Job's pod";
    const line =
      first !== undefined
        ? `waiting for pod "${first.pod.metadata.name}": ${noLogReason(first)}`
        : targets.length === 0
          ? none
          : "";
    if (line !== "" && line !== this.#lastMessage) this.#deps.printMessage(line);
    this.#lastMessage = line;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#streams.values()].map(({ ended }) => ended));
    this.check();
    if (this.#streams.size === 0)
      this.#deps.printMessage("warning: the run's Jobs have finished, and their logs no longer exist");
  }

  check(): void {
    if (this.failed.aborted) throw this.failed.reason;
  }
}

function inspect({ flowRunId }: LogSubject): string {
  return `kubectl prefect inspect ${shellWord(flowRunId)}`;
}

/** A container's log is not in Prefect. */
async function printFromPrefect(
  deps: LogDeps,
  { flowRunId, directory }: LogSubject,
  options: LogOptions & { readonly signal: AbortSignal },
): Promise<boolean> {
  const { container, previous, runPrefix: prefix } = options;
  if (directory === undefined || container !== undefined || previous) return false;
  return printPrefectLog(deps, { flowRunId, directory }, { ...options, prefix });
}

async function listRuns(
  deps: LogDeps,
  subject: LogSubject,
  signal: AbortSignal,
): Promise<readonly InventoryRun[]> {
  const { flowRunId, namespace } = subject;
  const { runs, refusals } = await loadInventory(deps.kube, NO_STATES, { flowRunId, namespace, signal });
  for (const refusal of refusals?.values() ?? []) throw refusal;
  return runs;
}

/** Prints one log as it comes; false if there is none. */
async function printOne(
  { kube, write }: LogDeps,
  target: LogTarget,
  options: LogOptions & {
    readonly pods: readonly LogTarget["pod"][];
    readonly prefix: string;
    signal: AbortSignal;
  },
): Promise<boolean> {
  const { timestamps, tailLines, sinceSeconds, previous, signal, prefix, pods } = options;
  const query = { container: target.container, timestamps, tailLines, sinceSeconds };
  let chunks = await kube.streamPodLog(target.pod.metadata, { ...query, previous }, signal);
  if (chunks === undefined && previous) {
    const previousPod = pods[pods.indexOf(target.pod) - 1];
    chunks = previousPod && (await kube.streamPodLog(previousPod.metadata, query, signal));
  }
  if (chunks === undefined) return false;
  let isEmpty = true;
  const print = async (bytes: Buffer): Promise<void> => {
    isEmpty = false;
    await write(bytes, prefix);
  };
  try {
    if (prefix === "") for await (const chunk of chunks) await print(chunk);
    else for await (const lines of linesOf(chunks)) for (const line of lines) await print(lineOf(line));
  } catch (error) {
    throw signal.aborted ? error : readError(target, error);
  }
  return !isEmpty || target.startedAt !== undefined;
}

/** The run's prefix, and `pod/container ` if the lines of several containers are mixed. */
function prefixOf({ pod, container }: LogTarget, { allPods, allContainers, runPrefix }: LogOptions): string {
  return `${runPrefix}${allPods || allContainers ? `${pod.metadata.name}/${container} ` : ""}`;
}

function noContainer(pods: readonly LogTarget["pod"][], { container = "" }: LogChoice): ExpectedError {
  const newest = pods.at(-1);
  const names = newest === undefined ? [] : containerNames(newest);
  return new ExpectedError(
    `cannot find container "${container}": pod "${newest?.metadata.name ?? ""}" has no such container`,
    { hint: `use one of ${names.join(", ")}` },
  );
}
