// Cancel: cancel the run in Prefect, wait for the flow to terminate, delete its objects, set the state Cancelled. In this
// order: a flow that terminates by itself closes its Dask cluster and reports its state; a killed one can do neither.

import { shellWord } from "../base/shell-word.ts";
import { attempt } from "../base/attempt.ts";
import { ExpectedError, textOf } from "../base/errors.ts";
import type { Inventory, PrefectVersion } from "../inventory/inventory.ts";
import { noApiText } from "../inventory/run-states.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import {
  cancelPlan,
  clustersOf,
  GUESSED,
  stillEnding,
  stillRunning,
  type KnownClusters,
} from "./cancel-items.ts";
import type { Kept, OwnerRun, PlanItem, Removable } from "./item.ts";
import { sweep, type ItemResult, type SweepDeps } from "./sweep.ts";
import { PODS_UNKNOWN } from "./plan-jobs.ts";
import { listed, objectText, untilGone, waitFor, type Left, type WaitDeps } from "./wait.ts";

type CancelApi = Pick<RunDirectory, "cancel" | "setCancelled">;

export interface CancelDeps extends SweepDeps, WaitDeps {
  readonly loadInventory: () => Promise<Inventory>;
  /** Where it looks; undefined: everywhere. */
  readonly namespace: string | undefined;
  /** While waiting, and at the end: only the Jobs and pods of the runs. */
  readonly pollInventory: (runs: ReadonlySet<string>) => Promise<Inventory>;
  /** Undefined: the runs are not cancelled in Prefect. One whose Prefect is not configured is deleted all the same. */
  readonly prefect: Readonly<Record<PrefectVersion, CancelApi | undefined>> | undefined;
  /** Called with a line for people after each step. */
  readonly onStep: (line: string) => void;
}

export interface CancelOptions {
  /** How long a flow may take to terminate by itself. */
  readonly graceMs: number;
  /** How long to wait until deleted objects are gone; undefined: no wait. */
  readonly timeoutMs: number | undefined;
}

export interface CancelProblem {
  readonly error: string;
  readonly hint?: string | undefined;
  /** The exit code for an API that does not answer, if nothing else has come of it. */
  readonly exitCode?: number | undefined;
  /** Of this run something may run on. */
  readonly runId?: string | undefined;
}

/** What has come of it so far. */
interface Progress {
  readonly done: ItemResult[];
  kept: readonly Kept[];
  /** Objects that still exist although they were deleted, runs that still run, and errors of Prefect. */
  readonly problems: CancelProblem[];
}

export type CancelResult = Readonly<Progress> & { readonly interrupted: boolean };

/** What the state says, by what is left of the run. */
const MESSAGES = {
  nothing: "Cancelled: nothing of the flow run is left in Kubernetes",
  kept: "Cancelled: what is left of the flow run in Kubernetes is annotated prefect.io/keep",
  terminating: "Cancelled: what the flow run has in Kubernetes is being deleted",
  idle: "Cancelled: nothing of the flow run runs in Kubernetes",
  unsure: "Cancelled: nothing that certainly belongs to the flow run is left in Kubernetes",
};
const KEPT_HINT = "remove its annotation prefect.io/keep, and cancel it again";
const RIGHTS = "check the permissions of this user with: kubectl prefect doctor";
const ENDED = new Set(["deleted", "gone"]);
/** What can run, or start what runs. */
const WORKING: ReadonlySet<Removable> = new Set(["jobs", "pods", "daskclusters"]);

/**
 * Cancels the runs together, with one wait for all. What was done before an interrupt is in the result. Throws KubeError when the
 * cluster cannot be read.
 */
export async function cancelRuns(
  deps: CancelDeps,
  runs: readonly OwnerRun[],
  options: CancelOptions,
): Promise<CancelResult> {
  const result: Progress = { done: [], kept: [], problems: [] };
  try {
    await cancelAll({ ...deps, result }, runs, options);
  } catch (error) {
    const { done, problems } = result;
    // Whatever it was doing, an interrupt ends it. What came of it before is told all the same.
    if (!deps.signal.aborted) {
      const isFirst = done.length + problems.length === 0;
      if (isFirst || !(error instanceof ExpectedError)) throw error;
      problems.push(problemOf(error));
    }
  }
  return { ...result, interrupted: deps.signal.aborted };
}

type Work = CancelDeps & { readonly result: Progress };

async function cancelAll(work: Work, runs: readonly OwnerRun[], options: CancelOptions): Promise<void> {
  const { accepted, cancelling } = await cancelInPrefect(work, runs);
  const ids = new Set(accepted.map(({ flowRunId }) => flowRunId));
  const inventory = await work.loadInventory();
  const known = clustersOf(inventory, ids);
  // A Dask cluster alone, in a namespace of its own, says nothing of where the flow is.
  const here = new Set(inventory.runs.flatMap((run) => (run.observed.jobs.length > 0 ? run.flowRunId : [])));
  if (cancelling.size > 0 && options.graceMs > 0) {
    const running = async (): Promise<readonly string[]> =>
      stillEnding(await work.pollInventory(cancelling), cancelling).map(({ name }) => name);
    await waitFor(work, { what: "to terminate", timeoutMs: options.graceMs }, running);
  }
  await removeAll(work, { ids, known }, options);
  if (work.signal.aborted) return;
  const { problems, kept } = work.result;
  const unseen = kept.filter(({ reason }) => reason === PODS_UNKNOWN);
  const error = `cannot delete ${listed(unseen.map(objectText))}: ${PODS_UNKNOWN}`;
  if (unseen.length > 0) problems.push({ error, hint: RIGHTS });
  const ended = await endedRuns(
    work,
    accepted.filter(({ flowRunId: id }) => !problems.some(({ runId }) => runId === id)),
  );
  await setCancelled(work, ended, { cancelling, here, hasWaited: options.timeoutMs !== undefined });
}

function problemOf(error: unknown): CancelProblem {
  const { hint, retryable = false, exitCode } = error instanceof ExpectedError ? error : {};
  return { error: textOf(error), hint, exitCode: retryable ? exitCode : undefined };
}

/** Whether it had not started, or was to start again: it has no process. A run of Prefect 3 waits for a retry in its process. */
function wasPending({ status }: OwnerRun): boolean {
  const { type, name } = status.state ?? {};
  return type === "pending" || (type === "scheduled" && name !== "AwaitingRetry");
}

/** Those runs of which nothing runs any more. What runs on is a problem, also if it is kept. */
async function endedRuns(
  { pollInventory, result }: Work,
  runs: readonly OwnerRun[],
): Promise<readonly OwnerRun[]> {
  if (runs.length === 0) return [];
  const inventory = await pollInventory(new Set(runs.map(({ flowRunId }) => flowRunId)));
  return runs.filter((run) => {
    const left = stillRunning(inventory, new Set([run.flowRunId]));
    const names = listed(left.map(({ name }) => name));
    const hint = left.every(({ isKept }) => isKept) ? KEPT_HINT : undefined;
    if (left.length > 0)
      result.problems.push({ error: `flow run ${displayName(run)} still runs: ${names}`, hint });
    return left.length === 0;
  });
}

/** If Prefect refuses to cancel a run, nothing of it is deleted: its flow continues. */
async function cancelInPrefect(
  { prefect, onStep, result }: Work,
  runs: readonly OwnerRun[],
): Promise<{ readonly accepted: readonly OwnerRun[]; readonly cancelling: ReadonlySet<string> }> {
  const accepted: OwnerRun[] = [];
  const cancelling = new Set<string>();
  if (prefect === undefined) return { accepted: runs, cancelling };
  await forEachRun(runs, result.problems, async (run) => {
    const { flowRunId: id, status, prefectVersion } = run;
    const directory = prefect[prefectVersion];
    if (directory === undefined || status.kind === "missing") {
      const reason = directory ? "Prefect has no such flow run" : noApiText(prefectVersion);
      onStep(`warning: flow run ${displayName(run)} is not cancelled in Prefect: ${reason}`);
    } else {
      const name = await directory.cancel({ id, state: status.state });
      onStep(`flow run ${displayName(run)} is ${name}`);
      if (name === "Cancelling") cancelling.add(id);
    }
    accepted.push(run);
  });
  return { accepted, cancelling };
}

/** Asks Prefect for all runs at once; what it refuses is a problem. */
async function forEachRun(
  runs: readonly OwnerRun[],
  problems: CancelProblem[],
  ask: (run: OwnerRun) => Promise<void>,
): Promise<void> {
  const askOrReport = async (run: OwnerRun): Promise<void> => {
    const answer = await attempt(() => ask(run));
    if (!answer.ok) problems.push(problemOf(answer.error));
  };
  await Promise.all(runs.map(askOrReport));
}

/** Deletes Jobs and waits until their pods are gone, so that nothing creates new workers; then Dask clusters. */
async function removeAll(
  work: Work,
  { ids, known }: { readonly ids: ReadonlySet<string>; readonly known: KnownClusters },
  options: CancelOptions,
): Promise<void> {
  const { result, signal } = work;
  for (const areJobs of [true, false]) {
    if (signal.aborted) return;
    const { items, kept } = cancelPlan(await work.loadInventory(), ids, { known, withTerminating: true });
    result.kept = kept;
    const due = items.filter(({ cluster }) => (cluster === undefined) === areJobs);
    const swept = await sweep(work, due);
    result.done.push(...swept);
    const errors = swept.flatMap(({ item, outcome }) =>
      outcome.kind === "failed" ? [{ ...outcome, runId: workingRun(item) }] : [],
    );
    result.problems.push(...errors);
    if (signal.aborted || options.timeoutMs === undefined) continue;
    const gone = swept.filter(({ outcome }) => ENDED.has(outcome.kind)).map(({ item }) => item);
    const left = await untilGone(work, gone, options.timeoutMs);
    result.problems.push(...left.map(stillExists));
  }
}

/** The item's run, if the item can run, or start what runs. */
function workingRun({ resource, run }: PlanItem): string | undefined {
  return WORKING.has(resource) ? run?.flowRunId : undefined;
}

function stillExists({ item, finalizers }: Left): CancelProblem {
  const others = finalizers.filter((name) => !OF_KUBERNETES.test(name));
  const hint = others.length > 0 ? `its finalizers hold it: ${others.join(", ")}` : heldBy(item, finalizers);
  const error = `${objectText(item)} still exists, although it is being deleted`;
  return { error, hint, runId: workingRun(item) };
}

/** Kubernetes takes these away itself, when the pods have ended. */
const OF_KUBERNETES = /^(?:foregroundDeletion|orphan|batch\.kubernetes\.io\/.*)$/;

function heldBy({ resource, ref }: PlanItem, finalizers: readonly string[]): string | undefined {
  if (resource !== "jobs" || finalizers.length === 0) return undefined;
  const pods = `kubectl get pods -n ${shellWord(ref.namespace)} -l job-name=${shellWord(ref.name)} -o wide`;
  return `a pod of it has not ended, perhaps on a node that does not answer: ${pods}`;
}

/** By their ids: the runs that were Cancelling before, those that had Jobs here, and whether what was deleted is gone. */
interface Ending {
  readonly cancelling: ReadonlySet<string>;
  readonly here: ReadonlySet<string>;
  readonly hasWaited: boolean;
}

/** Sets the state of Cancelling runs to Cancelled; not of those that may run elsewhere, where only Cancelling stops them. */
async function setCancelled(
  { prefect, readStates, namespace, onStep, result }: Work,
  runs: readonly OwnerRun[],
  { cancelling, here, hasWaited }: Ending,
): Promise<void> {
  if (prefect === undefined) return;
  const statuses = await readStates(runs);
  await forEachRun(runs, result.problems, async (run) => {
    const { flowRunId: id, prefectVersion } = run;
    const status = statuses.get(id);
    const directory = prefect[prefectVersion];
    if (directory !== undefined && status?.kind === "unknown") {
      const error = `cannot read the state of flow run ${displayName(run)}; it may still be Cancelling`;
      return void result.problems.push({ error });
    }
    if (status?.kind !== "known") return;
    const isDone = status.state.type === "cancelled" && cancelling.has(id);
    // The agent came first.
    if (isDone) return onStep(`flow run ${displayName(run)} is Cancelled`);
    if (status.state.type !== "cancelling") return;
    if (!here.has(id) && !wasPending(run)) return void result.problems.push(elsewhereProblem(run, namespace));
    await directory?.setCancelled(id, MESSAGES[leftOf(id, result, hasWaited)]);
    onStep(`flow run ${displayName(run)} is Cancelled`);
  });
}

/** What is left of the run, as far as is known. */
function leftOf(id: string, { done, kept }: Progress, hasWaited: boolean): keyof typeof MESSAGES {
  const own = done.filter(({ item }) => item.run?.flowRunId === id);
  if (own.some(({ outcome }) => !ENDED.has(outcome.kind))) return "idle";
  if (!hasWaited && own.some(({ outcome }) => outcome.kind === "deleted")) return "terminating";
  const ofRun = kept.filter(({ run }) => run?.flowRunId === id);
  if (ofRun.some(({ reason }) => reason === PODS_UNKNOWN)) return "idle";
  if (ofRun.some(({ reason }) => reason === GUESSED)) return "unsure";
  return ofRun.length > 0 ? "kept" : "nothing";
}

function elsewhereProblem(run: OwnerRun, namespace: string | undefined): CancelProblem {
  const nothing = `flow run ${displayName(run)} has nothing in`;
  if (namespace !== undefined)
    return { error: `${nothing} namespace "${namespace}"; it may run elsewhere: look with -A` };
  const hint = "if it runs nowhere, set its state to Cancelled in Prefect's UI";
  return { error: `${nothing} the cluster; it may run elsewhere`, hint };
}

function displayName({ flowRunId: id, name }: OwnerRun): string {
  return name === undefined ? `"${id}"` : `"${name}" (${id})`;
}
