// Inventory: the logs of a flow run's pods, whichever Job they are in; followed from one Job into the next of a retry.

import { NO_STATES } from "../../../inventory/run-states.ts";
import { ExpectedError } from "../../../base/errors.ts";
import { isOver } from "../../../job/observe/phase.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { loadInventory } from "../../../inventory/load.ts";
import { LogStream } from "./log-stream.ts";
import type { LogDeps, LogShape } from "./log-stream.ts";
import { containerNames, logTargets, podsOfRun, whyNoLog } from "./log-targets.ts";
import type { LogChoice, LogTarget } from "./log-targets.ts";

/** Whose logs. */
export interface LogSubject {
  readonly flowRunId: string;
  /** Without it: all namespaces. */
  readonly namespace: string | undefined;
}

export interface LogOptions extends LogChoice, LogShape {
  /** The life before: of the container, else of the run. */
  readonly previous: boolean;
}

const LOOK_MS = 1_000;
/** Looks in a row that may fail before the command does: a restart of the API server takes less. */
const OUTAGES_AT_MOST = 30;

/** Prints what there is. Throws ExpectedError when there is nothing. */
export async function printRunLogs(
  deps: LogDeps,
  subject: LogSubject,
  options: LogOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const pods = podsOfRun(await look(deps, subject, options.signal));
  const targets = logTargets(pods, options);
  if (pods.length === 0) {
    const { flowRunId, namespace } = subject;
    const where = namespace === undefined ? "the cluster" : `namespace "${namespace}"`;
    throw new ExpectedError(`cannot read the logs of flow run "${flowRunId}": it has no pod in ${where}`, {
      hint: `wait for it with -f${namespace === undefined ? "" : ", look everywhere with -A"}, or see why with: kubectl prefect inspect RUN`,
    });
  }
  if (targets.length === 0) throw noContainer(pods, options);
  let read = 0;
  for (const target of targets) {
    if (await printOne(deps, target, { ...options, pods, prefix: prefixOf(target, options) })) read++;
    else if (targets.length > 1) deps.tell(`note: pod "${target.pod.metadata.name}": ${whyNoLog(target)}`);
  }
  const [first] = targets;
  if (read > 0 || first === undefined) return;
  const why = options.previous ? `there was none before it` : whyNoLog(first);
  throw new ExpectedError(`cannot read the log of pod "${first.pod.metadata.name}": ${why}`, {
    hint: "see why with: kubectl prefect inspect RUN",
  });
}

/** Follows until the run's Jobs are over, or the signal aborts. A run without pods is waited for. */
export async function followRunLogs(
  deps: LogDeps,
  subject: LogSubject,
  options: LogOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  const followed = new Followed(deps, options);
  let hadJobs = false;
  while (!signal.aborted) {
    const runs = await followed.look(subject);
    if (runs === undefined) continue;
    const jobs = runs.flatMap((run) => run.observed.jobs);
    hadJobs ||= jobs.length > 0;
    const pods = podsOfRun(runs);
    const targets = logTargets(pods, options);
    if (pods.length > 0 && targets.length === 0) throw noContainer(pods, options);
    for (const target of targets) followed.take(target);
    followed.waitingFor(targets, jobs.length);
    if (hadJobs && jobs.every(({ job }) => isOver(job))) return followed.end();
    await deps.clock.sleep(LOOK_MS, AbortSignal.any([signal, followed.failed]));
    followed.check();
  }
}

class Followed {
  readonly #deps: LogDeps;
  readonly #options: LogOptions & { readonly signal: AbortSignal };
  readonly #streams = new Map<string, { readonly stream: LogStream; ended: Promise<void> }>();
  readonly #failure = new AbortController();
  /** Pods that were there at the first look: of later ones everything is wanted. */
  #isFirstLook = true;
  #told = "";
  #outages = 0;

  constructor(deps: LogDeps, options: LogOptions & { readonly signal: AbortSignal }) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The run as it stands; undefined when the cluster could not be asked just now. Throws what lasts. */
  async look(subject: LogSubject): Promise<readonly InventoryRun[] | undefined> {
    const { signal } = this.#options;
    try {
      const runs = await look(this.#deps, subject, signal);
      this.#outages = 0;
      return runs;
    } catch (error) {
      if (signal.aborted) return undefined;
      const canMend = error instanceof ExpectedError && error.retryable && this.#outages < OUTAGES_AT_MOST;
      if (!canMend) throw error;
      this.#outages++;
      await this.#deps.clock.sleep(LOOK_MS, signal);
      return undefined;
    }
  }

  /** Aborts when a stream has failed for good. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  take(target: LogTarget): void {
    const { pod, container, startedAt, isRunning } = target;
    if (startedAt === undefined) return;
    const key = `${pod.metadata.uid}/${container}/${startedAt}`;
    const known = this.#streams.get(key);
    if (known !== undefined && !(isRunning && known.stream.isDone)) return;
    const stream = known?.stream ?? new LogStream(this.#deps, target, prefixOf(target, this.#options));
    const { timestamps, tailLines, sinceSeconds, signal } = this.#options;
    const shape = this.#isFirstLook ? { timestamps, tailLines, sinceSeconds } : { timestamps };
    const ended = stream.follow(shape, signal).catch((error: unknown) => this.#failure.abort(error));
    this.#streams.set(key, { stream, ended });
  }

  /** Says once what it waits for, and again when that changes. */
  waitingFor(targets: readonly LogTarget[], jobs: number): void {
    if (targets.length > 0) this.#isFirstLook = false;
    const waiting = targets.filter(({ startedAt }) => startedAt === undefined);
    const [first] = waiting;
    const none = jobs === 0 ? "waiting for the run's Job" : "waiting for the Job's pod";
    const line =
      first !== undefined
        ? `waiting for pod "${first.pod.metadata.name}": ${whyNoLog(first)}`
        : targets.length === 0
          ? none
          : "";
    if (line !== "" && line !== this.#told) this.#deps.tell(line);
    this.#told = line;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#streams.values()].map(({ ended }) => ended));
    this.check();
    if (this.#streams.size === 0)
      this.#deps.tell("note: the run's Jobs are over, and no log of theirs is left");
  }

  check(): void {
    if (this.failed.aborted) throw this.failed.reason;
  }
}

async function look(
  deps: LogDeps,
  subject: LogSubject,
  signal: AbortSignal,
): Promise<readonly InventoryRun[]> {
  const { runs, refusals } = await loadInventory(deps.kube, NO_STATES, { ...subject, signal });
  for (const refusal of refusals?.values() ?? []) throw refusal;
  return runs;
}

/** Whether there was a log to print. */
async function printOne(
  { kube, write }: LogDeps,
  target: LogTarget,
  given: LogOptions & {
    readonly pods: readonly LogTarget["pod"][];
    readonly prefix: string;
    signal: AbortSignal;
  },
): Promise<boolean> {
  const { timestamps, tailLines, sinceSeconds, previous, signal, prefix, pods } = given;
  const query = { container: target.container, timestamps, tailLines, sinceSeconds };
  let text = await kube.podLog(target.pod.metadata, { ...query, previous }, signal);
  if (text === undefined && previous) {
    const before = pods[pods.indexOf(target.pod) - 1];
    text = before === undefined ? undefined : await kube.podLog(before.metadata, query, signal);
  }
  if (text === undefined || (text === "" && target.startedAt === undefined)) return false;
  if (prefix === "") await write(text);
  else for (const line of text.replace(/\n$/, "").split("\n")) await write(`${prefix}${line}\n`);
  return true;
}

/** `pod/container `, where lines of several could be mixed. */
function prefixOf({ pod, container }: LogTarget, { allPods, allContainers }: LogChoice): string {
  return allPods || allContainers ? `${pod.metadata.name}/${container} ` : "";
}

function noContainer(pods: readonly LogTarget["pod"][], { container = "" }: LogChoice): ExpectedError {
  const newest = pods.at(-1);
  const names = newest === undefined ? [] : containerNames(newest);
  return new ExpectedError(
    `cannot find container "${container}": pod "${newest?.metadata.name ?? ""}" has none of this name`,
    { hint: `name one of ${names.join(", ")}` },
  );
}
