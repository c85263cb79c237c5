// The logs of a flow run: of its pods in all of its Jobs, or, when these are gone, in Prefect.

import { attempt } from "../../../base/attempt.ts";
import { earlier } from "../../../base/clock.ts";
import { ExpectedError } from "../../../base/errors.ts";
import { linesOf } from "../../../base/lines.ts";
import { shellWord } from "../../../base/shell-word.ts";
import type { InventoryRun } from "../../../inventory/inventory.ts";
import { loadInventory } from "../../../inventory/load.ts";
import { NO_STATES } from "../../../inventory/run-states.ts";
import { isOver } from "../../../orchestrator/flow-run.ts";
import { logPages, type LoggedLine } from "../../../orchestrator/run-directory.ts";
import type { ClusterScope } from "../../cluster-scope.ts";
import type { ResolvedRun } from "../../flow-run-ref.ts";
import { lineOf, readError, type StreamDeps } from "./log-stream.ts";
import { containerNames, jobsToLog, logTargets, noLogReason, podsOf } from "./log-targets.ts";
import type { LogOptions, LogTarget } from "./log-targets.ts";

/** Where the runs are, and where their logs go. */
export type LogDeps = ClusterScope & {
  readonly write: StreamDeps["write"];
  readonly printMessage: (line: string) => void;
  /** Then no line is cut, since an escape sequence could be. */
  readonly isTerminal: boolean;
};

/** A run whose logs to print; with `job` only those of that Job, since the run may have several. */
export type LoggedRun = ResolvedRun & { readonly job?: string | undefined };

/** Prints the existing logs. Throws ExpectedError when there are none. */
export async function printRunLogs(deps: LogDeps, run: LoggedRun, options: LogOptions): Promise<void> {
  const pods = podsOf(jobsToLog(await listRuns(deps, run), options));
  const targets = logTargets(pods, options);
  const { flowRunId: id, namespace = deps.namespace } = run;
  const inspect = `kubectl prefect inspect ${shellWord(id)}`;
  if (pods.length === 0) {
    const host = await hostText(deps, run);
    if (await printPrefectLog(deps, run, { ...options, host })) return;
    const where = namespace === undefined ? "the cluster" : `namespace "${namespace}"`;
    const ways = [
      ...(isOver(run.status) ? [] : ["wait for it with -f"]),
      ...(namespace === undefined ? [] : ["search all namespaces with -A"]),
      `see why with: ${inspect}`,
    ];
    const what = run.job === undefined ? `flow run "${id}"` : `Job "${run.job}"`;
    throw new ExpectedError(`cannot read the logs of ${what}: it has no pod in ${where}`, {
      hint: host ?? ways.join(", or "),
    });
  }
  const [first] = targets;
  if (first === undefined) throw noContainer(pods, options);
  let printed = 0;
  for (const target of targets) {
    if (await printOne(deps, { target, pods }, options)) printed++;
    else if (targets.length > 1)
      deps.printMessage(`warning: pod "${target.pod.metadata.name}": ${noLogReason(target)}`);
  }
  if (printed > 0) return;
  const reason = options.previous ? "it has no previous container" : noLogReason(first);
  throw new ExpectedError(`cannot read the log of pod "${first.pod.metadata.name}": ${reason}`, {
    hint: `see why with: ${inspect}`,
  });
}

/** Where the log of a subflow's process is; undefined: the run has its own, or Prefect does not answer. */
export async function hostText(
  { directories, signal }: LogDeps,
  { flowRunId, prefectVersion }: ResolvedRun,
): Promise<string | undefined> {
  const found = await attempt(() => directories[prefectVersion]?.hostOf?.(flowRunId, signal));
  if (found.value === undefined) return undefined;
  const { id, name = id } = found.value;
  return `it shares the process of flow run "${name}": kubectl prefect logs ${id}`;
}

/** What the run has in the cluster. Throws what forbids to list it. */
export async function listRuns(
  { kube, signal, ...scope }: LogDeps,
  { flowRunId, job, namespace = scope.namespace }: LoggedRun,
): Promise<readonly InventoryRun[]> {
  const { runs, forbidden } = await loadInventory(kube, NO_STATES, { flowRunId, namespace, signal });
  for (const refusal of forbidden?.values() ?? []) throw refusal;
  if (job === undefined) return runs;
  return runs.map(({ observed, ...run }) => {
    const jobs = observed.jobs.filter((each) => each.job.metadata.name === job);
    return { ...run, observed: { ...observed, jobs } };
  });
}

/** The run's prefix, and `pod/container ` if the lines of several containers are mixed. */
export function prefixOf(
  { pod, container }: LogTarget,
  { allPods, allContainers, prefix }: LogOptions,
): string {
  return `${prefix}${allPods || allContainers ? `${pod.metadata.name}/${container} ` : ""}`;
}

/** The error for a name that no container has. */
export function noContainer(
  pods: readonly LogTarget["pod"][],
  { container = "" }: LogOptions,
): ExpectedError {
  const newest = pods.at(-1);
  const names = newest === undefined ? [] : containerNames(newest);
  return new ExpectedError(
    `cannot find container "${container}": pod "${newest?.metadata.name ?? ""}" has no such container`,
    { hint: `use one of ${names.join(", ")}` },
  );
}

/** Prints one log as it comes; false if there is none. */
async function printOne(
  { kube, write, isTerminal, signal }: LogDeps,
  { target, pods }: { readonly target: LogTarget; readonly pods: readonly LogTarget["pod"][] },
  options: LogOptions,
): Promise<boolean> {
  const { timestamps, tailLines, sinceSeconds, previous } = options;
  const prefix = prefixOf(target, options);
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
    if (prefix === "" && !isTerminal) for await (const chunk of chunks) await print(chunk);
    else for await (const lines of linesOf(chunks)) for (const line of lines) await print(lineOf(line));
  } catch (error) {
    throw signal.aborted ? error : readError(target, error);
  }
  return !isEmpty || target.startedAt !== undefined;
}

/**
 * Prints the run's log in Prefect, in Prefect's format; false: there is none, and it was not only asked for its end. A
 * container's log is not in Prefect.
 */
async function printPrefectLog(
  { write, printMessage, directories, signal }: LogDeps,
  { flowRunId: id, prefectVersion, job }: LoggedRun,
  options: LogOptions & { readonly host: string | undefined },
): Promise<boolean> {
  const { container, previous, prefix, tailLines: tail, sinceSeconds, host } = options;
  const directory = directories[prefectVersion];
  if (directory === undefined || container !== undefined || previous) return false;
  const since = sinceSeconds === undefined ? undefined : earlier(directory.now(), sinceSeconds * 1_000);
  let isFirst = true;
  for await (const page of logPages(directory, { id, tail, since }, signal)) {
    const what = job === undefined ? ["the run", "its"] : [`Job "${job}"`, "the run's"];
    const note = `note: ${what[0]} has no pod here; this is ${what[1]} log in Prefect`;
    if (isFirst) printMessage(host === undefined ? note : `${note}; ${host}`);
    isFirst = false;
    for (const line of page.flatMap(textLines)) await write(Buffer.from(`${line}\n`), prefix);
  }
  return !isFirst || tail === 0 || since !== undefined;
}

/** `[2026-11-21 03:04:05,678] INFO - etl | Loaded 3 rows`; what a message has more of lines stays as it is. */
function textLines({ at, level, logger, message }: LoggedLine): readonly string[] {
  const time = at?.toISOString().replace("T", " ").replace("Z", "").replace(".", ",") ?? "";
  return `[${time}] ${level} - ${logger} | ${message.trimEnd()}`.split("\n");
}
