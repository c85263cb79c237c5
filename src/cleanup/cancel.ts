// Cancel: tell Prefect, let the flow end itself, remove what is left of it, settle its state. In this order: a flow that
// ends itself closes its Dask cluster; a killed one cannot, nor can it say that it is cancelled.

import { ExpectedError, textOf } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Inventory, PrefectVersion } from "../inventory/inventory.ts";
import { noApiText } from "../inventory/run-states.ts";
import type { RunDirectory } from "../orchestrator/run-directory.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { cancelPlan, clustersOf, stillRunning } from "./cancel-items.ts";
import type { SeenClusters } from "./cancel-items.ts";
import type { Kept, OwnerRun, PlanItem } from "./item.ts";
import { ORDER } from "./item.ts";
import { Throttle, throttled } from "./throttle.ts";
import { sweep } from "./sweep.ts";
import type { Done } from "./sweep.ts";
import type { AskStates } from "./recheck-context.ts";

/** The Prefect APIs that are told; a run whose Prefect is not configured is deleted from the cluster all the same. */
export type CancelTargets = Readonly<
  Record<PrefectVersion, Pick<RunDirectory, "cancel" | "setCancelled"> | undefined>
>;

export interface CancelDeps {
  readonly kube: Pick<KubeApi, "get" | "delete" | "listPage">;
  readonly look: () => Promise<Inventory>;
  /** A smaller look, for waiting: the Jobs and pods of the runs are enough. */
  readonly poll: (runs: ReadonlySet<string>) => Promise<Inventory>;
  readonly states: AskStates;
  /** Undefined: Prefect is not told. */
  readonly prefect: CancelTargets | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A step, for people. */
  readonly note: (line: string) => void;
  /** What is waited for just now; undefined: nothing more. */
  readonly waiting: (line: string | undefined) => void;
  readonly onDone: (done: Done) => void;
}

export interface CancelOptions {
  /** Milliseconds that a flow has to end itself. */
  readonly graceMs: number;
  /** Milliseconds until what was deleted must be gone; undefined: it is not waited for. */
  readonly timeoutMs: number | undefined;
}

/** How it ended. */
export interface Cancelled {
  readonly done: readonly Done[];
  readonly kept: readonly Kept[];
  /** What is there still although it was deleted, by name; and errors of Prefect. */
  readonly problems: readonly string[];
  readonly interrupted: boolean;
}

const LOOK_EVERY_MS = 1_000;
const CANCELLED_MESSAGE = "Cancelled: nothing of the flow run is left in Kubernetes";
const ENDED = new Set(["deleted", "gone"]);

/** Cancels the runs together: one wait for all. Throws KubeError when the cluster cannot be looked at. */
export async function cancelRuns(
  deps: CancelDeps,
  runs: readonly OwnerRun[],
  options: CancelOptions,
): Promise<Cancelled> {
  const problems: string[] = [];
  const { told, cancelling } = await tellPrefect(deps, runs, problems);
  const ids = new Set(told.map(({ id }) => id));
  const first = await deps.look();
  const seen = clustersOf(first, ids);
  const interrupted = { done: [], kept: [], problems, interrupted: true };
  if (cancelling.size > 0) await letEnd(deps, cancelling, options.graceMs);
  if (deps.signal.aborted) return interrupted;
  const removed = await removeAll(deps, { ids, seen }, options);
  problems.push(...removed.problems);
  if (deps.signal.aborted) return { ...removed, problems, interrupted: true };
  if (removed.problems.length === 0) await settleAll(deps, told, problems);
  return { ...removed, problems, interrupted: false };
}

/** A run that Prefect refused to cancel keeps all that it has: its flow goes on. */
async function tellPrefect(
  { prefect, note }: CancelDeps,
  runs: readonly OwnerRun[],
  problems: string[],
): Promise<{ readonly told: readonly OwnerRun[]; readonly cancelling: ReadonlySet<string> }> {
  const told: OwnerRun[] = [];
  const cancelling = new Set<string>();
  if (prefect === undefined) return { told: runs, cancelling };
  await Promise.all(
    runs.map(async (run) => {
      const directory = prefect[run.prefectVersion];
      const untold = directory === undefined ? noApiText(run.prefectVersion) : missingText(run);
      try {
        if (directory === undefined || untold !== undefined) {
          told.push(run);
          return note(`note: Prefect is not told of flow run ${called(run)}: ${untold}`);
        }
        const state = run.status.kind === "known" ? run.status.state : undefined;
        const name = await directory.cancel({ id: run.id, state });
        told.push(run);
        note(`flow run ${called(run)} is ${name}`);
        if (name === "Cancelling") cancelling.add(run.id);
      } catch (error) {
        if (!(error instanceof ExpectedError)) throw error;
        problems.push(textOf(error));
      }
    }),
  );
  return { told, cancelling };
}

function missingText({ status }: OwnerRun): string | undefined {
  return status.kind === "missing" ? "it has no such flow run" : undefined;
}

/** Until nothing of the runs works any more, or the grace is over. */
async function letEnd(deps: CancelDeps, ids: ReadonlySet<string>, graceMs: number): Promise<void> {
  const untilMs = deps.clock.now().getTime() + graceMs;
  for (;;) {
    const leftMs = untilMs - deps.clock.now().getTime();
    if (leftMs <= 0 || deps.signal.aborted) break;
    const running = stillRunning(await deps.poll(ids), ids);
    if (running.length === 0) break;
    deps.waiting(`waiting for ${listed(running)} to end by itself, ${Math.ceil(leftMs / 1_000)}s left`);
    await deps.clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), deps.signal);
  }
  deps.waiting(undefined);
}

/** Jobs until they are gone with their pods, so that nothing makes new workers; then Dask. */
async function removeAll(
  deps: CancelDeps,
  what: { readonly ids: ReadonlySet<string>; readonly seen: SeenClusters },
  options: CancelOptions,
): Promise<Pick<Cancelled, "done" | "kept" | "problems">> {
  const done: Done[] = [];
  const problems: string[] = [];
  let kept: readonly Kept[] = [];
  for (const isTurn of [isJob, isDask]) {
    const plan = cancelPlan(await deps.look(), what.ids, what.seen);
    kept = plan.kept;
    const items = plan.items.filter(isTurn);
    const swept = await sweep({ ...deps, onDone: deps.onDone }, items, { signal: deps.signal });
    done.push(...swept);
    problems.push(...swept.flatMap(({ outcome }) => (outcome.kind === "failed" ? [outcome.error] : [])));
    if (deps.signal.aborted) break;
    const gone = swept.filter(({ outcome }) => ENDED.has(outcome.kind)).map(({ item }) => item);
    if (options.timeoutMs !== undefined) problems.push(...(await untilGone(deps, gone, options.timeoutMs)));
  }
  return { done, kept, problems };
}

function isJob({ order }: PlanItem): boolean {
  return order === ORDER.job;
}

function isDask(item: PlanItem): boolean {
  return !isJob(item);
}

/** What is still there at the end of the time, in words. */
async function untilGone(
  deps: CancelDeps,
  items: readonly PlanItem[],
  timeoutMs: number,
): Promise<readonly string[]> {
  const untilMs = deps.clock.now().getTime() + timeoutMs;
  const kube = throttled(deps.kube, new Throttle(deps.clock), deps.signal);
  let left = items;
  for (;;) {
    const there = await Promise.all(left.map((item) => isThere(kube, item)));
    left = left.filter((_, at) => there[at] === true);
    const leftMs = untilMs - deps.clock.now().getTime();
    if (left.length === 0 || leftMs <= 0 || deps.signal.aborted) break;
    const names = left.map(nameOf);
    deps.waiting(`waiting for ${listed(names)} to be gone, ${Math.ceil(leftMs / 1_000)}s left`);
    await deps.clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), deps.signal);
  }
  deps.waiting(undefined);
  return left.map((item) => `${nameOf(item)} is deleted, but still there`);
}

async function isThere(kube: Pick<KubeApi, "get">, { resource, ref, uid }: PlanItem): Promise<boolean> {
  return (await kube.get(resource, ref))?.metadata.uid === uid;
}

/** Cancelling becomes Cancelled. */
async function settleAll(deps: CancelDeps, runs: readonly OwnerRun[], problems: string[]): Promise<void> {
  const { prefect } = deps;
  if (prefect === undefined) return;
  const statuses = await deps.states(runs);
  await Promise.all(
    runs.map(async (run) => {
      const status = statuses.get(run.id);
      if (status?.kind !== "known" || status.state.type !== "cancelling") return;
      try {
        await prefect[run.prefectVersion]?.setCancelled(run.id, CANCELLED_MESSAGE);
        deps.note(`flow run ${called(run)} is Cancelled`);
      } catch (error) {
        if (!(error instanceof ExpectedError)) throw error;
        problems.push(textOf(error));
      }
    }),
  );
}

function called({ id, name }: OwnerRun): string {
  return name === undefined ? `"${id}"` : `"${name}" (${id})`;
}

function nameOf({ resource, ref }: PlanItem): string {
  return `${resource.replace(/s$/, "")} "${ref.name}"`;
}

/** The first two by name, the others by number. */
function listed(names: readonly string[]): string {
  const [first = "", second] = names;
  if (second === undefined) return first;
  return names.length === 2 ? `${first} and ${second}` : `${first}, ${second} and ${names.length - 2} more`;
}
